import time

import pytest
from redis import Redis

from core.errors import AttemptSuperseded
from core.store.blobs import BlobStore
from core.store.ledger import JobLedger
from core.store.live_frames import LiveFrames
from tests.core.store.accepting import Accept


@pytest.fixture
def frames(redis: Redis, blobs: BlobStore) -> LiveFrames:
    return LiveFrames(redis, blobs, ttl_s=60.0)


def shown(frames: LiveFrames, job_id: str, start: int, stop: int) -> list[bytes]:
    return [content for _, content in frames.read(job_id, start, stop)]


def test_range_gives_the_chunks_it_touches(frames: LiveFrames, accept: Accept) -> None:
    attempt = accept.running()
    for start in (0, 10, 20):
        frames.append(attempt, start, 10, b"%d" % start)
    job_id = attempt.job_id
    assert frames.stop_index(job_id) == 30
    assert shown(frames, job_id, 0, 30) == [b"0", b"10", b"20"]
    assert shown(frames, job_id, 9, 11) == [b"0", b"10"]
    assert shown(frames, job_id, 10, 20) == [b"10"]
    assert shown(frames, job_id, 30, 99) == []


def test_next_attempt_replaces_from_where_it_begins(
    frames: LiveFrames, accept: Accept, ledger: JobLedger
) -> None:
    late = accept.running(lease_s=0.01)
    for start in (0, 10, 20):
        frames.append(late, start, 10, b"late")
    time.sleep(0.02)
    newer = ledger.claim(late.job_id, worker="two", lease_s=9.0)
    assert newer is not None
    with pytest.raises(AttemptSuperseded):
        frames.append(late, 30, 10, b"too late")
    frames.append(newer, 10, 10, b"newer")
    assert shown(frames, late.job_id, 0, 99) == [b"late", b"newer"]
    assert frames.stop_index(late.job_id) == 20


def test_dropped_frames_are_gone(
    frames: LiveFrames, blobs: BlobStore, accept: Accept, redis: Redis
) -> None:
    attempt = accept.running()
    frames.append(attempt, 0, 10, b"x")
    frames.drop(attempt.job_id)
    assert shown(frames, attempt.job_id, 0, 10) == []
    assert frames.stop_index(attempt.job_id) == 0
    assert not blobs.exists(f"frames/{attempt.job_id}/{attempt.token}-0")
    assert redis.keys("poselift:frames:*") == []
