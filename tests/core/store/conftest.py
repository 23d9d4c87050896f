from pathlib import Path

import pytest
from redis import Redis

from core.store.blobs import BlobStore
from core.store.disk_blobs import DiskBlobs
from core.store.ledger import JobLedger
from core.store.redis_blobs import RedisBlobs
from tests.core.store.accepting import Accept


@pytest.fixture
def ledger(redis: Redis) -> JobLedger:
    return JobLedger(redis, retention_s=600.0, max_losses=2)


@pytest.fixture
def accept(ledger: JobLedger) -> Accept:
    return Accept(ledger)


@pytest.fixture(params=["disk", "redis"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path, redis: Redis) -> BlobStore:
    if request.param == "disk":
        return DiskBlobs(tmp_path / "blobs")
    return RedisBlobs(redis, ttl_s=600.0)
