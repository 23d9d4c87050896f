"""A real Redis for tests: one private server a session, emptied before each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from core.store.connection import connect
from core.store.embedded import EmbeddedRedis


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedRedis]:
    folder: Path = tmp_path_factory.mktemp("redis")
    with EmbeddedRedis(folder, appendfsync="everysec") as server:  # a test loses nothing by it
        yield server


@pytest.fixture
def redis_url(redis_server: EmbeddedRedis) -> str:
    """The URL of an empty Redis."""
    with connect(redis_server.url) as client:
        client.flushall()
    return redis_server.url


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    """A client of an empty Redis."""
    with connect(redis_url) as client:
        yield client
