"""Promise: a worker that is stopped hands its job back; one that is stopped twice loses nothing."""

import signal
import subprocess
from pathlib import Path

import pytest

from core.contracts import JobState
from tests.faults.clips import PLAN, three_segments, undisturbed
from tests.faults.worksite import PATIENCE_S, Slot, Worksite
from tests.waiting import wait_for


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    return three_segments(tmp_path_factory.mktemp("clip"))


@pytest.fixture
def site(tmp_path, redis_url):
    with Worksite(tmp_path, redis_url) as site:
        yield site


def test_a_stopped_worker_hands_its_job_back_as_the_next_one_and_without_a_penalty(site, clip):
    job_id, other = site.submit(clip.read_bytes()), site.submit(clip.read_bytes())
    slot = site.start("first", FAULT_FRAME_S=0.004)
    wait_for(lambda: site.sections(job_id) > 0, PATIENCE_S)
    slot.terminate()
    assert slot.ends() == 0
    record = site.ledger.get(job_id)
    assert (record.state, record.attempt, record.worker) == (JobState.QUEUED, 1, None)
    # A sweep at that very moment may send it, too; a message that comes twice does no harm.
    assert list(dict.fromkeys(site.queue.get_job_ids())) == [job_id, other]
    counts = site.redis.hmget(f"poselift:job:{job_id}", "losses", "failures")
    assert counts == [None, None]
    assert site.sections(job_id) > 0


def test_stopped_twice_it_ends_at_once_and_nothing_is_lost(site, clip, tmp_path):
    job_id = site.submit(clip.read_bytes())
    hanging = PLAN.start(2) + 20  # behind what another one can go on from
    slot = site.start("first", FAULT_HANG_AT=hanging)
    wait_for(lambda: hanging in slot.searched and site.sections(job_id) > 0, PATIENCE_S)
    # A terminal and a supervisor may both pass on one Ctrl-C: only a later one is a second.
    wait_for(lambda: ended_after_another(slot), PATIENCE_S)
    assert slot.ends() == 128 + signal.SIGTERM
    assert site.state(job_id) is JobState.RUNNING

    site.end_lease(job_id)
    heir = site.start("heir")
    assert site.result(job_id) == undisturbed(clip, tmp_path)
    assert min(heir.searched) >= PLAN.warm_up_start(1)


def ended_after_another(slot: Slot) -> bool:
    slot.terminate()
    try:
        slot.process.wait(1.2)
    except subprocess.TimeoutExpired:
        return False
    return True
