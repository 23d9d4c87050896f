"""Promise: a job whose worker is killed goes on at its last finished chunk, and ends the same."""

import io
import signal
from pathlib import Path

import numpy as np
import pytest

from core.contracts import JobState
from tests.faults.clips import FRAMES, PLAN, three_segments, undisturbed
from tests.faults.worksite import PATIENCE_S, Worksite
from tests.waiting import wait_for
from worker.heartbeat import Pace
from worker.slot import SWEEP_S

SECOND = PLAN.start(1) - PLAN.warm_up
"""The first frame that is searched on behalf of the second segment."""


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    return three_segments(tmp_path_factory.mktemp("clip"))


@pytest.fixture(scope="module")
def expected(clip, tmp_path_factory) -> bytes:
    return undisturbed(clip, tmp_path_factory.mktemp("undisturbed"))


@pytest.fixture
def site(tmp_path, redis_url):
    with Worksite(tmp_path, redis_url) as site:
        yield site


def same_arrays(content: bytes, expected: bytes) -> bool:
    ours, theirs = np.load(io.BytesIO(content)), np.load(io.BytesIO(expected))
    assert sorted(ours) == sorted(theirs)
    return all(ours[name].tobytes() == theirs[name].tobytes() for name in ours)


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "stopped"])
def test_another_worker_goes_on_where_the_first_was(site, clip, expected, sign):
    job_id = site.submit(clip.read_bytes())
    first = site.start("first", FAULT_FRAME_S=0.004)
    wait_for(lambda: site.sections(job_id) > 0, PATIENCE_S)
    assert site.state(job_id) is JobState.RUNNING
    first.process.send_signal(sign)
    status = first.ends()
    assert status == (0 if sign is signal.SIGTERM else -sign)
    if sign is signal.SIGKILL:
        site.end_lease(job_id)

    second = site.start("second")
    content = site.result(job_id)
    assert same_arrays(content, expected)
    assert content == expected
    assert min(second.searched) >= SECOND
    assert max(second.searched) == FRAMES - 1
    record = site.ledger.get(job_id)
    assert (record.attempt, "second" in record.worker) == (2, True)
    left = [f"blobs/results/{job_id}/2", f"blobs/uploads/{job_id}"]
    wait_for(lambda: site.files(job_id) == left, PATIENCE_S)


def test_a_worker_that_is_alive_takes_it_once_its_lease_has_ended(site, clip):
    job_id = site.submit(clip.read_bytes())
    first = site.start("first", FAULT_FRAME_S=0.004)
    site.start("second", FAULT_FRAME_S=0.004)
    wait_for(lambda: site.state(job_id) is JobState.RUNNING, PATIENCE_S)
    holder = next(slot for slot in site.slots if slot.process.pid == pid_of(site, job_id))
    holder.kill()
    site.end_lease(job_id)
    # A sweep notices, and whoever is alive takes it.
    wait_for(lambda: pid_of(site, job_id) not in (None, holder.process.pid), PATIENCE_S)
    assert site.result(job_id)
    assert first.process.poll() is None or holder is first


def test_lost_jobs_are_looked_for_often_enough_to_go_on_within_thirty_seconds():
    # At worst the dead worker was the one who looks: its turn, of three sweeps, began when it died
    # and ends as its lease does. Then another one looks, at its next sweep.
    assert Pace().lease_s >= 3 * SWEEP_S
    assert SWEEP_S <= 10


def pid_of(site: Worksite, job_id: str) -> int | None:
    worker = site.ledger.get(job_id).worker
    return None if worker is None else int(worker.rpartition(".")[2])
