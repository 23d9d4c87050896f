"""``/readyz`` tells the truth: what would keep a job from being done shows, and heals."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis import Redis

from core.contracts import LIFT_QUEUE, POSE_QUEUE
from core.store.connection import connect
from core.store.embedded import EmbeddedRedis
from core.store.heartbeats import Heartbeats, WorkerBeat
from server.settings import ServerSettings
from tests.server.running import RunningServer
from tests.waiting import wait_for

PATIENCE_S = 30.0


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    """To be ill-treated."""
    with EmbeddedRedis(tmp_path / "redis") as server:
        yield server


@pytest.fixture
def client(own_redis: EmbeddedRedis) -> Iterator[Redis]:
    with connect(own_redis.url) as redis:
        yield redis


@pytest.fixture
def settings(own_redis: EmbeddedRedis, tmp_path: Path) -> ServerSettings:
    return ServerSettings(redis_url=own_redis.url, data_dir=tmp_path / "data", disk_reserve_bytes=0)


@pytest.fixture
def api(settings: ServerSettings) -> Iterator[httpx.Client]:
    server = RunningServer(settings)
    with httpx.Client(base_url=server.url, timeout=PATIENCE_S) as api:
        yield api
    server.stop()


@pytest.fixture
def worker(client: Redis) -> None:
    announce(client, LIFT_QUEUE)


def announce(client: Redis, queue: str) -> None:
    beat = WorkerBeat(name=f"a worker of {queue}", queue=queue, device="cpu")
    Heartbeats(client).announce(beat, ttl_s=600)


def failing(api: httpx.Client) -> dict[str, str]:
    """What is not well, and in which words; checks that the answer as a whole agrees."""
    answer: httpx.Response = api.get("/readyz")
    checks: list[dict[str, Any]] = answer.json()["checks"]
    bad = {check["name"]: check["detail"] for check in checks if not check["ok"]}
    assert answer.status_code == (503 if bad else 200)
    if bad:
        assert (answer.json()["code"], answer.headers["Retry-After"]) == ("not_ready", "5")
    return bad


def expect(api: httpx.Client, *names: str) -> dict[str, str]:
    """Wait until exactly these are not well: answers are kept for a second."""
    seen: list[dict[str, str]] = []

    def is_so() -> bool:
        seen.append(failing(api))
        return set(seen[-1]) == set(names)

    wait_for(is_so, PATIENCE_S)
    assert api.get("/healthz").status_code == 200  # whatever else is ill
    return seen[-1]


def test_a_read_only_redis(api: httpx.Client, client: Redis, worker: None) -> None:
    expect(api)
    client.execute_command("REPLICAOF", "127.0.0.1", "1")
    assert "redis" in expect(api, "redis")
    client.execute_command("REPLICAOF", "NO", "ONE")
    expect(api)


def test_a_full_redis(api: httpx.Client, client: Redis, worker: None) -> None:
    client.config_set("maxmemory", 1)
    assert "memory" in expect(api, "redis")["redis"]
    client.config_set("maxmemory", 0)
    expect(api)


def test_a_redis_that_hangs(
    api: httpx.Client, own_redis: EmbeddedRedis, client: Redis, worker: None
) -> None:
    expect(api)
    assert own_redis.pid is not None
    os.kill(own_redis.pid, signal.SIGSTOP)
    try:
        assert expect(api, "redis", "workers", "queue")
    finally:
        os.kill(own_redis.pid, signal.SIGCONT)
    expect(api)


def test_a_folder_that_cannot_be_written(
    api: httpx.Client, settings: ServerSettings, worker: None
) -> None:
    expect(api)
    blobs = settings.data_dir / "blobs"
    shutil.rmtree(blobs)
    blobs.write_text("no folder")
    assert expect(api, "storage")["storage"]
    blobs.unlink()
    blobs.mkdir()
    expect(api)
    assert not list(blobs.glob("probes/*"))


def test_no_worker_for_videos(api: httpx.Client, client: Redis) -> None:
    announce(client, POSE_QUEUE)
    assert expect(api, "workers")["workers"] == "No worker is running."
    announce(client, LIFT_QUEUE)
    expect(api)
    for name, _ in client.zscan_iter("poselift:workers:until"):
        client.zadd("poselift:workers:until", {name: 1})  # they were not heard of again
    expect(api, "workers")


def test_a_disk_that_is_too_full(
    settings: ServerSettings, worker: None, serve: Callable[[ServerSettings], RunningServer]
) -> None:
    full = serve(settings.model_copy(update={"disk_reserve_bytes": 1 << 60}))
    with httpx.Client(base_url=full.url, timeout=PATIENCE_S) as api:
        assert expect(api, "storage")["storage"] == "There is no room for uploads."


@pytest.fixture
def serve() -> Iterator[Callable[[ServerSettings], RunningServer]]:
    running: list[RunningServer] = []

    def start(settings: ServerSettings) -> RunningServer:
        running.append(RunningServer(settings))
        return running[-1]

    yield start
    for server in running:
        server.stop()
