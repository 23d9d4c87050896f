"""A worker loads its networks once, and keeps them for the jobs to come."""

import re

import pytest

from core.store.ledger import JobLedger
from tests.integration.stack import ended, submit

pytestmark = [pytest.mark.assets, pytest.mark.timeout(900)]


def test_a_second_job_loads_nothing_again(api, stack, clip):
    jobs = [submit(api, clip) for _ in range(2)]
    assert [ended(api, job_id)["state"] for job_id in jobs] == ["succeeded"] * 2
    ledger = JobLedger(stack.redis, retention_s=600)
    (worker,) = {ledger.get(job_id).worker for job_id in jobs}
    slot, pid = worker.split(".")[-2:]  # HOST.cpu-0.PID
    assert int(pid) in {one.pid for one in stack.worker.family()}
    said = [line for line in stack.worker.said.splitlines() if line.startswith(slot)]
    loaded = [n for n, line in enumerate(said) if "runtime loaded" in line]
    lifted = [
        next(n for n, line in enumerate(said) if re.search(rf"{job_id} .*warm_start_ms=\d", line))
        for job_id in jobs
    ]
    assert len(loaded) == 1
    assert loaded[0] < lifted[0] < lifted[1]
