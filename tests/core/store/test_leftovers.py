import pytest
from redis import Redis

from core.contracts import BlobFacts, JobError, JobState
from core.errors import NotAVideo
from core.store.blobs import BlobStore
from core.store.keys import result_key, upload_key
from core.store.ledger import JobLedger
from core.store.leftovers import Leftovers
from core.store.live_frames import LiveFrames
from tests.core.store.accepting import Accept


@pytest.fixture
def frames(redis: Redis, blobs: BlobStore) -> LiveFrames:
    return LiveFrames(redis, blobs, ttl_s=60.0)


@pytest.fixture
def leftovers(redis: Redis, ledger: JobLedger, blobs: BlobStore, frames: LiveFrames) -> Leftovers:
    return Leftovers(redis, ledger, blobs, frames)


@pytest.mark.parametrize(
    ("end", "kept"),
    [
        (JobState.SUCCEEDED, {"upload", "result"}),
        (JobState.FAILED, {"upload"}),
        (JobState.CANCELED, set()),
    ],
)
def test_what_an_ended_job_no_longer_needs_goes_whoever_died_before(
    leftovers: Leftovers,
    ledger: JobLedger,
    blobs: BlobStore,
    frames: LiveFrames,
    accept: Accept,
    redis: Redis,
    end: JobState,
    kept: set[str],
) -> None:
    attempt = accept.running()
    keys = {"upload": upload_key(attempt.job_id), "result": result_key(attempt.job_id, 1)}
    for key in keys.values():
        blobs.put_bytes(key, b"x")
    frames.append(attempt, 0, 5, b"frames")
    leftovers.tidy_all()
    assert frames.stop_index(attempt.job_id) == 5  # it runs still
    match end:
        case JobState.SUCCEEDED:
            ledger.succeed(attempt, BlobFacts(size_bytes=1, sha256="0" * 64), 1)
        case JobState.FAILED:
            ledger.fail(attempt, JobError.of(NotAVideo("This is a text.")))
        case _:
            ledger.cancel(attempt)
    for _ in range(2):
        leftovers.tidy_all()
    assert {name for name, key in keys.items() if blobs.exists(key)} == kept
    assert frames.stop_index(attempt.job_id) == 0
    assert redis.exists("poselift:leftovers") == 0


def test_a_running_jobs_files_are_never_touched(
    leftovers: Leftovers, blobs: BlobStore, accept: Accept
) -> None:
    attempt = accept.running()
    blobs.put_bytes(upload_key(attempt.job_id), b"x")
    leftovers.tidy(attempt.job_id)
    assert blobs.exists(upload_key(attempt.job_id))


def test_a_job_that_is_gone_leaves_nothing(
    leftovers: Leftovers, ledger: JobLedger, blobs: BlobStore, accept: Accept, redis: Redis
) -> None:
    attempt = accept.running()
    blobs.put_bytes(result_key(attempt.job_id, 1), b"x")
    ledger.cancel(attempt)
    ledger.delete(attempt.job_id)
    leftovers.tidy_all()
    assert not blobs.exists(result_key(attempt.job_id, 1))
    assert redis.exists("poselift:leftovers") == 0
