"""Workers that die, and results that grow old."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from core.store.ledger import JobLedger
from tests.integration.stack import PATIENCE_S, Stack, ended, submit
from tests.waiting import wait_for

pytestmark = [pytest.mark.assets, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def hasty(tmp_path_factory, full_bundle: Path, asset_cache: Path) -> Iterator[Stack]:
    """Two slots."""
    settings = {"POSELIFT_CACHE_DIR": asset_cache}
    with Stack(tmp_path_factory.mktemp("hasty"), settings) as stack:
        stack.worker = stack.start_workers("workers", "--workers", "2")
        stack.wait_for_workers(lift=2)
        yield stack


@pytest.fixture
def api(hasty: Stack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=hasty.url, timeout=60) as api:
        yield api


def test_a_killed_workers_job_is_finished_by_another_then_expires(hasty, api, long_nobody):
    jobs = [submit(api, long_nobody) for _ in range(2)]
    ledger = JobLedger(hasty.redis, retention_s=600.0)

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
    doomed = psutil.Process(int(re.search(r"\.(\d+)$", worker)[1]))
    doomed.kill()
    wait_for(lambda: not doomed.is_running() or doomed.status() == psutil.STATUS_ZOMBIE)
    hasty.redis.zadd("poselift:leases", {lost: 1})  # as if its lease had run out since

    job = ended(api, lost)
    assert (job["state"], job["attempt"]) == ("succeeded", 2)
    assert ledger.get(lost).worker != worker
    result = api.get(f"/jobs/{lost}/result")
    assert result.status_code == 200
    assert "SIGKILL" in hasty.worker.said

    hasty.redis.hset(f"poselift:job:{lost}", "expires_at", "1.0")  # as if its time had passed
    hasty.redis.zadd("poselift:expiry", {lost: 1})
    wait_for(lambda: api.get(f"/jobs/{lost}").json()["state"] == "expired", PATIENCE_S)
    for what in ("result", "frames"):
        reply = api.get(f"/jobs/{lost}/{what}")
        assert (reply.status_code, reply.json()["code"]) == (410, "result_expired")
