"""Promise: results go at their time, not before, also where the server is killed as they do."""

import time
from contextlib import ExitStack
from random import Random

import httpx

from benchmarks.soak_promise import Entries, Figure, Setting, Trial
from benchmarks.soak_site import has_ended, short_clip, worksite
from tests.faults.serving import ServerProcess
from tests.faults.worksite import PATIENCE_S, Worksite
from tests.waiting import wait_for

KEPT_S, JOBS = 4.0, 5
MARGIN_S = 0.3
"""Around the moment of expiry: the server is killed within it."""


def retention(setting: Setting) -> Entries:
    """A few results at a time; the server dies at about the moment at which they expire."""
    content, longest_s = short_clip(setting.folder), 0.0
    with ExitStack() as stack:
        site = stack.enter_context(worksite(setting.folder))
        server = stack.enter_context(
            ServerProcess(
                setting.folder,
                site.redis_url,
                POSELIFT_RETENTION_S=KEPT_S,
                POSELIFT_SWEEP_EVERY_S=0.2,
            )
        )
        slot = site.start("slot", POSELIFT_RETENTION_S=KEPT_S)
        for _ in setting.rounds(each_s=12):
            jobs = [_finished(site, content) for _ in range(JOBS)]
            early = _early(server.url, site, jobs)
            late_s, left = _expire(server, site, jobs, setting.dice)
            longest_s = max(longest_s, late_s)
            yield Trial(
                times=JOBS,
                lost=early,
                double=left,
                dead=int(slot.process.poll() is not None),
                recovery_s=late_s,
                problem=f"{early} results went before their time" if early else "",
            )
    yield Figure("longest delay of an expiry, a killed server's start included", longest_s, "s")


def _finished(site: Worksite, content: bytes) -> str:
    job_id = site.submit(content)
    wait_for(lambda: has_ended(site, job_id), PATIENCE_S)
    return job_id


def _early(url: str, site: Worksite, jobs: list[str]) -> int:
    """How many cannot be had though their time has not come."""
    missing = 0
    with httpx.Client(base_url=url, timeout=60) as api:
        for job_id in jobs:
            expires_at = site.ledger.get(job_id).expires_at
            is_there = api.get(f"/jobs/{job_id}/result").is_success
            if not is_there and expires_at is not None and time.time() < expires_at.timestamp():
                missing += 1
    return missing


def _expire(
    server: ServerProcess, site: Worksite, jobs: list[str], dice: Random
) -> tuple[float, int]:
    """Seconds from the last expiry until nothing was left, and what is left nevertheless."""
    times = [site.ledger.get(job_id).expires_at for job_id in jobs]
    due_s = max(one.timestamp() for one in times if one is not None)
    time.sleep(max(0.0, due_s + dice.uniform(-MARGIN_S, MARGIN_S) - time.time()))
    server.kill()
    server.start_again()
    wait_for(lambda: all(site.files(job_id) == [] for job_id in jobs), 60)
    late_s = max(0.0, time.time() - due_s)
    with httpx.Client(base_url=server.url, timeout=60) as api:
        answers = [api.get(f"/jobs/{job_id}/result").status_code for job_id in jobs]
    return late_s, sum(status != httpx.codes.GONE for status in answers)
