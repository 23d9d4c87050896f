"""Promise: a cancel gives one clear end wherever the job stands, and frees its files, soon."""

import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from random import Random

import httpx

from benchmarks.soak_promise import Entries, Figure, Setting, Trial
from benchmarks.soak_site import has_ended, holder, short_clip, state_of, worksite
from core.contracts import JobState
from tests.faults.clips import three_segments
from tests.faults.searching_slot import FULL
from tests.faults.serving import ServerProcess
from tests.faults.worksite import PATIENCE_S, Slot, Worksite
from tests.waiting import wait_for

SOON_S = 2.0
ENVIRONMENT = {"FAULT_FRAME_S": 0.01, "POSELIFT_MAX_FAILURES": 10_000}


@dataclass
class Canceling:
    """A server, one slot, and how long each cancel took, by where the job stood."""

    site: Worksite
    api: httpx.Client
    slot: Slot
    short: bytes
    long: bytes
    dice: Random
    took_s: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def finished(self) -> Trial:
        job_id = self.site.submit(self.short)
        wait_for(lambda: has_ended(self.site, job_id), PATIENCE_S)
        return self._cancel(job_id, "finished", None)

    def queued(self) -> Trial:
        """Behind another one, which is canceled as well."""
        ahead = self._running(self.long)
        trial = self._cancel(self.site.submit(self.short), "queued", JobState.CANCELED)
        self.api.delete(f"/jobs/{ahead}")
        wait_for(lambda: has_ended(self.site, ahead), PATIENCE_S)
        return trial

    def running(self) -> Trial:
        job_id = self._running(self.long)
        time.sleep(self.dice.uniform(0, 1.0))
        return self._cancel(job_id, "running", JobState.CANCELED)

    def retrying(self) -> Trial:
        """It finds no room for its result, again and again."""
        job_id = self.site.submit(self.long + FULL)
        record = f"poselift:job:{job_id}"
        wait_for(lambda: int(self.site.redis.hget(record, "failures") or 0) > 0, PATIENCE_S)
        time.sleep(self.dice.uniform(0, 0.5))
        return self._cancel(job_id, "retrying", JobState.CANCELED)

    def worker_killed(self) -> Trial:
        """Another one must notice first."""
        job_id = self._running(self.long)
        self.slot.kill()
        self.slot = self.site.start("heir", **ENVIRONMENT)
        return self._cancel(job_id, "left by its worker", JobState.CANCELED)

    def _running(self, content: bytes) -> str:
        job_id = self.site.submit(content)
        wait_for(lambda: holder(self.site, job_id) is not None, PATIENCE_S)
        return job_id

    def _cancel(self, job_id: str, stood: str, expected: JobState | None) -> Trial:
        since_s = time.monotonic()
        reply = self.api.delete(f"/jobs/{job_id}")

        def is_over() -> bool:
            return has_ended(self.site, job_id) and self.site.files(job_id) == []

        wait_for(is_over, PATIENCE_S)
        seconds = time.monotonic() - since_s
        self.took_s[stood].append(seconds)
        state = state_of(self.site, job_id)
        is_right = reply.is_success and state is expected
        problem = "" if is_right else f"{stood}: {reply.status_code}, then {state}"
        return Trial(recovery_s=seconds, problem=problem, dead=int(self._is_dead()))

    def _is_dead(self) -> bool:
        return self.slot.process.poll() is not None


def cancels(setting: Setting) -> Entries:
    """By ``DELETE``; how long until the state is final and no file is left."""
    short = short_clip(setting.folder)
    long = three_segments(setting.folder).read_bytes()
    with ExitStack() as stack:
        site = stack.enter_context(worksite(setting.folder))
        server = stack.enter_context(ServerProcess(setting.folder, site.redis_url))
        api = stack.enter_context(httpx.Client(base_url=server.url, timeout=60))
        slot = site.start("slot", **ENVIRONMENT)
        all_of_it = Canceling(site, api, slot, short, long, setting.dice)
        kinds: list[Callable[[], Trial]] = [
            all_of_it.finished,
            all_of_it.queued,
            all_of_it.running,
            all_of_it.retrying,
            all_of_it.worker_killed,
        ]
        for number in setting.rounds(each_s=3):
            yield kinds[number % len(kinds)]()
    for stood, seconds in all_of_it.took_s.items():
        # A dead worker's job waits for its lease to end and for the sweep after it.
        at_most = None if stood == "left by its worker" else SOON_S
        yield Figure(f"longest cancel of one that was {stood}", max(seconds), "s", at_most)
