"""Promise: a worker's memory does not grow from job to job."""

import time

from benchmarks.soak_promise import Entries, Figure, Setting, Trial
from benchmarks.soak_site import dead, short_clip, worksite
from tests.faults.test_memory import GROWTH, SETTLED_AFTER, growth_over

MANY = 500


def steady_memory(setting: Setting) -> Entries:
    """One worker with the real lifter; its resident memory after the first jobs and after all."""
    video = short_clip(setting.folder, frames=12)
    with worksite(setting.folder) as site:
        asked_s = time.monotonic()
        growth_over(site, video, SETTLED_AFTER + 1)  # how long so many take here
        site.slots.pop().kill()
        took_s = time.monotonic() - asked_s
        fit = int(setting.left_s / took_s * SETTLED_AFTER)
        jobs = max(2 * SETTLED_AFTER, min(MANY, fit))
        growth = growth_over(site, video, jobs)
        yield Trial(times=jobs, dead=dead(*site.slots))
        yield Figure(
            f"growth of resident memory after the first {SETTLED_AFTER} jobs",
            100 * growth,
            "%",
            100 * GROWTH,
        )
