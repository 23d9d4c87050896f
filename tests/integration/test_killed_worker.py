"""Workers that die, and results that grow old: on a stack where both go quickly."""

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from core.store.ledger import JobLedger
from tests.integration.stack import PATIENCE_S, Stack, ended, submit
from tests.waiting import wait_for

pytestmark = pytest.mark.assets

KEPT_S = 8


@pytest.fixture(scope="module")
def hasty(tmp_path_factory, full_bundle: Path, asset_cache: Path) -> Iterator[Stack]:
    """Two slots, whose leases end soon; results are kept for seconds."""
    settings = {
        "POSELIFT_CACHE_DIR": asset_cache,
        "POSELIFT_LEASE_S": 3,
        "POSELIFT_RETENTION_S": KEPT_S,
    }
    with Stack(tmp_path_factory.mktemp("hasty"), settings) as stack:
        stack.worker = stack.start_workers("workers", "--workers", "2")
        stack.wait_for_workers(lift=2)
        yield stack


def test_a_killed_workers_job_is_finished_by_another_then_expires(hasty, long_nobody):
    api = httpx.Client(base_url=hasty.url, timeout=60)
    jobs = [submit(api, long_nobody) for _ in range(2)]
    ledger = JobLedger(hasty.redis, retention_s=KEPT_S)

    def both_are_running() -> bool:
        progress = [ledger.get(job_id).progress for job_id in jobs]
        return all(one.stage == "lifting" for one in progress)

    wait_for(both_are_running, PATIENCE_S)
    # Not the one whose turn it is to look for lost jobs: its turn would have to run out first.
    sweeper = hasty.redis.get("poselift:sweeper")
    assert sweeper is not None
    lost, worker = next(
        (job_id, ledger.get(job_id).worker)
        for job_id in jobs
        if ledger.get(job_id).worker != sweeper.decode()
    )
    os.kill(int(re.search(r"\.(\d+)$", worker)[1]), signal.SIGKILL)

    job = ended(api, lost)
    assert (job["state"], job["attempt"]) == ("succeeded", 2)
    assert ledger.get(lost).worker != worker
    result = api.get(f"/jobs/{lost}/result")
    assert result.status_code == 200
    assert "SIGKILL" in hasty.worker.said

    wait_for(lambda: api.get(f"/jobs/{lost}").json()["state"] == "expired", KEPT_S + 10)
    for what in ("result", "frames"):
        reply = api.get(f"/jobs/{lost}/{what}")
        assert (reply.status_code, reply.json()["code"]) == (410, "result_expired")
    api.close()
