"""Promise: a worker that cannot write fails its job, which may be tried again, and lives."""

import errno
import os

import pytest

from core.contracts import JobState
from tests.faults.clips import three_segments
from tests.faults.searching_slot import FULL
from tests.faults.worksite import PATIENCE_S, Worksite
from tests.videos import make_video
from tests.waiting import wait_for
from tests.worker.fake_runtime import FakeRuntime
from worker.ending import Outcome
from worker.halt import Halt
from worker.jobs import lift
from worker.settings import WorkerSettings
from worker.slot import make_bench


@pytest.fixture
def site(tmp_path, redis_url):
    with Worksite(tmp_path, redis_url) as site:
        yield site


def test_a_result_that_finds_no_room_fails_its_job_alone(site, tmp_path):
    large = three_segments(tmp_path).read_bytes()
    short = make_video(tmp_path / "s.mp4", frames=5, size=(96, 96)).read_bytes()
    slot = site.start("slot", POSELIFT_MAX_FAILURES=2)
    job_id = site.submit(large + FULL)
    following = site.submit(short)
    wait_for(lambda: site.state(job_id).is_final, PATIENCE_S)
    record = site.ledger.get(job_id)
    assert (record.state, record.attempt) == (JobState.FAILED, 2)
    assert (record.error.code, record.error.retriable) == ("storage_full", True)
    site.wait_for_state(following, JobState.SUCCEEDED)
    again = site.submit(large)
    site.wait_for_state(again, JobState.SUCCEEDED)
    assert slot.process.poll() is None
    assert site.ledger.get(again).worker.endswith(f".{slot.process.pid}")
    wait_for(lambda: site.files(job_id) == [f"blobs/uploads/{job_id}"], PATIENCE_S)
    assert list((tmp_path / "data" / "scratch").iterdir()) == []


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "storage_full"),
        (errno.EDQUOT, "storage_full"),
        (errno.EFBIG, "storage_full"),
        (errno.EROFS, "storage_unavailable"),
        (errno.EIO, "storage_unavailable"),
        (errno.EACCES, "storage_unavailable"),
    ],
    ids=errno.errorcode.get,
)
def test_whatever_the_disk_says_the_job_is_tried_again(site, tmp_path, redis_url, number, code):
    def refuse() -> None:
        raise OSError(number, os.strerror(number))

    runtime = FakeRuntime(behave=refuse)
    settings = WorkerSettings.read(redis_url=redis_url, data_dir=tmp_path / "data", max_failures=2)
    bench = make_bench(settings, worker="tester", runtime=runtime)
    job_id, following = site.submit(b"video"), site.submit(b"video")
    outcomes = [lift(job_id, bench=bench, halt=Halt(), beat=lambda: None) for _ in range(2)]
    assert [one.outcome for one in outcomes] == [Outcome.TRY_LATER, Outcome.FAILED]
    error = site.ledger.get(job_id).error
    assert (error.code, error.retriable) == (code, True)
    runtime.behave = lambda: None
    ending = lift(following, bench=bench, halt=Halt(), beat=lambda: None)
    assert ending.outcome is Outcome.SUCCEEDED
