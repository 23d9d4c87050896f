"""Uploads in doubt: cleared up one by one, as soon as Redis can tell."""

from pathlib import Path

import pytest
from redis import Redis

from core.contracts import JobOptions, JobState
from core.errors import StoreUnavailable
from core.store.connection import connect
from core.store.disk_blobs import DiskBlobs
from core.store.keys import upload_key
from core.store.ledger import JobLedger
from server.doubts import Doubts


@pytest.fixture
def ledger(redis: Redis) -> JobLedger:
    return JobLedger(redis, retention_s=600)


@pytest.fixture
def blobs(tmp_path: Path) -> DiskBlobs:
    return DiskBlobs(tmp_path, reserve_bytes=0)


def store(blobs: DiskBlobs, *job_ids: str) -> None:
    for job_id in job_ids:
        blobs.put_bytes(upload_key(job_id), b"x")


def make(ledger: JobLedger, blobs: DiskBlobs, job_id: str) -> None:
    upload = blobs.put_bytes(upload_key(job_id), b"x")
    ledger.create(job_id=job_id, filename="a", options=JobOptions(), upload=upload)


def test_a_job_that_is_not_there_loses_its_upload(ledger: JobLedger, blobs: DiskBlobs) -> None:
    doubts = Doubts(ledger, blobs)
    store(blobs, "a1")
    doubts.put_off("a1", may_be_repeated=True)
    doubts.settle()
    assert not blobs.exists(upload_key("a1"))


@pytest.mark.parametrize(
    ("may_be_repeated", "state"), [(True, JobState.QUEUED), (False, JobState.CANCELED)]
)
def test_a_job_that_is_there_stays_only_if_it_can_be_asked_for(
    ledger: JobLedger, blobs: DiskBlobs, may_be_repeated: bool, state: JobState
) -> None:
    doubts = Doubts(ledger, blobs)
    make(ledger, blobs, "a1")
    doubts.put_off("a1", may_be_repeated=may_be_repeated)
    doubts.settle()
    assert ledger.get("a1").state is state
    assert blobs.exists(upload_key("a1")) is may_be_repeated


def test_it_is_tried_again_until_redis_is_back(blobs: DiskBlobs, ledger: JobLedger) -> None:
    store(blobs, "a1")
    with connect("redis://127.0.0.1:1", retries=0) as nobody:
        away = Doubts(JobLedger(nobody, retention_s=600), blobs)
        away.put_off("a1", may_be_repeated=False)
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                away.settle()
            assert blobs.exists(upload_key("a1"))
