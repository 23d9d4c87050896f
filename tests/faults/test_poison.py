"""Promise: a job that kills its workers is tried so many times, then fails; the others go on."""

import sys
from pathlib import Path

import pytest

from core.contracts import JobState
from tests.faults.searching_slot import POISON
from tests.faults.worksite import PATIENCE_S, ROOT, Worksite
from tests.videos import make_video
from tests.waiting import wait_for
from worker.crew import Crew, Member

TRIES = 2


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    return make_video(tmp_path_factory.mktemp("clip") / "c.mp4", frames=6, size=(96, 96))


def test_poison_is_tried_so_many_times_then_fails_and_the_others_go_on(tmp_path, redis_url, clip):
    said: list[str] = []
    environment = {
        "POSELIFT_REDIS_URL": redis_url,
        "POSELIFT_DATA_DIR": str(tmp_path / "data"),
        "POSELIFT_LEASE_S": "5",
        "POSELIFT_MAX_LOSSES": str(TRIES),
        "FAULT_SEARCHED": str(tmp_path / "searched"),
    }
    command = [sys.executable, "-m", "tests.faults.searching_slot", "slot"]
    with Worksite(tmp_path, redis_url) as site:
        poison = [site.submit(clip.read_bytes() + POISON) for _ in range(2)]
        good = [site.submit(clip.read_bytes()) for _ in range(2)]
        member = Member("slot", command, environment | {"PYTHONPATH": str(ROOT)})
        with Crew([member], tell=lambda _, line: said.append(line)) as crew:

            def all_ended() -> bool:
                crew.check()
                return all(site.state(job_id).is_final for job_id in poison + good)

            wait_for(all_ended, PATIENCE_S)
        for job_id in poison:
            record = site.ledger.get(job_id)
            assert (record.state, record.attempt) == (JobState.FAILED, TRIES)
            assert record.error.code == "worker_lost"
            assert record.error.retriable
        assert {site.state(job_id) for job_id in good} == {JobState.SUCCEEDED}
        assert {site.ledger.get(job_id).attempt for job_id in good} == {1}
    assert sum("SIGSEGV" in line for line in said) == TRIES * len(poison)
