"""Promise: a job that kills its workers fails after so many tries, and the others go on."""

import sys
import time

from benchmarks.soak_promise import Entries, Setting, Trial
from benchmarks.soak_site import LEASE_S, has_ended, short_clip, worksite
from core.contracts import JobState
from tests.faults.searching_slot import POISON
from tests.faults.worksite import PATIENCE_S, ROOT, Worksite
from tests.waiting import wait_for
from worker.crew import Crew, Member

TRIES = 2


def poison(setting: Setting) -> Entries:
    """A video that ends its worker by a segmentation fault, between two honest ones."""
    content = short_clip(setting.folder)
    with worksite(setting.folder) as site:
        for _ in setting.rounds(each_s=10):
            yield _trial(site, content)


def _trial(site: Worksite, content: bytes) -> Trial:
    said: list[str] = []
    started_s = time.monotonic()
    jobs = [site.submit(content), site.submit(content + POISON), site.submit(content)]
    with Crew([_member(site)], tell=lambda _, line: said.append(line)) as crew:

        def all_ended() -> bool:
            crew.check()
            return all(has_ended(site, job_id) for job_id in jobs)

        wait_for(all_ended, PATIENCE_S)
    recovery_s = time.monotonic() - started_s
    first, poisoned, last = (site.ledger.get(job_id) for job_id in jobs)
    code = poisoned.error.code if poisoned.error else str(poisoned.state)
    # Each death is told; what is told beyond those that the poison caused was not its doing.
    deaths = sum(line.startswith("ended with") for line in said)
    as_promised = (code, poisoned.attempt) == ("worker_lost", TRIES)
    return Trial(
        lost=sum(one.state is not JobState.SUCCEEDED for one in (first, last)),
        dead=max(0, deaths - TRIES),
        recovery_s=recovery_s,
        problem="" if as_promised else f"{code} after {poisoned.attempt} tries",
    )


def _member(site: Worksite) -> Member:
    environment = {
        "POSELIFT_REDIS_URL": site.redis_url,
        "POSELIFT_DATA_DIR": str(site.folder / "data"),
        "POSELIFT_LEASE_S": str(LEASE_S),
        "POSELIFT_MAX_LOSSES": str(TRIES),
        "FAULT_SEARCHED": str(site.folder / "searched"),
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "tests.faults.searching_slot", "slot"]
    return Member("slot", command, environment)
