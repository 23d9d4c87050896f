"""Promise: whatever is killed and when, each job ends once, with an undisturbed run's result."""

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

from benchmarks.soak_promise import Entries, Figure, Setting, Trial
from benchmarks.soak_site import LEASE_S, dead, has_ended, holder, spare_results, worksite
from core.contracts import JobState
from core.store.counters import COUNTERS_KEY, Count
from core.store.keys import result_key
from tests.faults.clips import three_segments, undisturbed
from tests.faults.worksite import PATIENCE_S, Slot, Worksite
from tests.waiting import wait_for

KILLS, JOBS = 100, 30
SLOTS, AT_A_TIME = 3, 2
"""Workers, and jobs: one of the workers is free to go on with what another has lost."""
FRAME_S = 0.006
LONGEST_S = 2.5
"""A job takes about so long; the moment of a kill is drawn from it, its very end included."""
LOOK_S = 0.01
NEXT_S = 30.0
"""Another worker goes on so soon after the lease of a dead one has ended."""


@dataclass
class Hunt:
    """Keeps two jobs going on three slots, and kills whoever runs one at a moment drawn by lot."""

    site: Worksite
    content: bytes
    expected: bytes
    dice: Random
    kills: int = 0
    jobs: list[str] = field(default_factory=list)
    live: set[str] = field(default_factory=set)
    slots: list[Slot] = field(default_factory=list)
    wounded: dict[str, tuple[float, int]] = field(default_factory=dict)
    healed_s: list[float] = field(default_factory=list)
    due: dict[str, tuple[int, float]] = field(default_factory=dict)

    def feed(self) -> None:
        """Replace whoever was killed, and the jobs that ended."""
        while len(self.slots) < SLOTS:
            name = f"slot-{self.kills}-{len(self.slots)}"
            environment = {"FAULT_FRAME_S": FRAME_S, "POSELIFT_MAX_LOSSES": 1000}
            self.slots.append(self.site.start(name, POSELIFT_THREADS=1, **environment))
        while len(self.live) < AT_A_TIME and (len(self.jobs) < JOBS or self.kills < KILLS):
            self.jobs.append(self.site.submit(self.content))
            self.live.add(self.jobs[-1])

    def strike(self) -> None:
        """Kill those whose time has come."""
        for job_id in self.live:
            process = holder(self.site, job_id)
            if process is None:
                continue
            if self.due.get(job_id, (0, 0.0))[0] != process:
                self.due[job_id] = process, time.monotonic() + self._delay_s()
            if time.monotonic() >= self.due[job_id][1] and self.kills < KILLS:
                self._kill(job_id, process)

    def _delay_s(self) -> float:
        """So that the kills that are left are spread over the jobs that are left."""
        to_come = max(1, JOBS - len(self.jobs) + len(self.live))
        per_job = (KILLS - self.kills) / to_come
        spared = self.dice.random() > per_job / (per_job + 1)
        return PATIENCE_S if spared else self.dice.uniform(0, LONGEST_S)

    def _kill(self, job_id: str, process: int) -> None:
        for slot in [one for one in self.slots if one.process.pid == process]:
            slot.kill()
            self.slots.remove(slot)
            self.kills += 1
            self.wounded[job_id] = time.monotonic(), process

    def healed(self) -> Iterator[Trial]:
        """Of each kill whose job is in other hands, or has ended."""
        for job_id, (killed_s, by) in list(self.wounded.items()):
            if has_ended(self.site, job_id) or holder(self.site, job_id) not in (None, by):
                del self.wounded[job_id]
                self.healed_s.append(time.monotonic() - killed_s)
                yield Trial(recovery_s=self.healed_s[-1])

    def harvest(self) -> Iterator[Trial]:
        """Judge the jobs that have ended."""
        for job_id in [one for one in self.live if has_ended(self.site, one)]:
            self.live.remove(job_id)
            yield self._judged(job_id)

    def _judged(self, job_id: str) -> Trial:
        record = self.site.ledger.get(job_id)
        if record.state is not JobState.SUCCEEDED:
            code = record.error.code if record.error else record.state
            return Trial(times=0, lost=1, problem=f"a job ended as {code}")
        result = b"".join(self.site.blobs.read(result_key(job_id, record.attempt)))
        # What the killed left is swept; what is not is a second result.
        with suppress(AssertionError):
            wait_for(lambda: not spare_results(self.site, job_id), 5.0)
        double = len(spare_results(self.site, job_id))
        return Trial(times=0, mixed=int(result != self.expected), double=double)


def random_kills(setting: Setting) -> Entries:
    """Kill -9 workers at any moment of a job; results are compared byte for byte."""
    clip = three_segments(setting.folder)
    expected = undisturbed(clip, setting.folder)
    with worksite(setting.folder) as site:
        hunt = Hunt(site, clip.read_bytes(), expected, setting.dice)
        while hunt.kills < KILLS and setting.has(LONGEST_S):
            hunt.feed()
            hunt.strike()
            yield from hunt.healed()
            yield from hunt.harvest()
            yield from _buried(hunt)
            time.sleep(LOOK_S)
        hunt.feed()
        still = wait_until_ended(hunt)
        yield from hunt.healed()
        yield from hunt.harvest()
        yield Trial(times=len(hunt.wounded), lost=still)
        counted = site.redis.hget(COUNTERS_KEY, f"{Count.JOBS_ENDED} {JobState.SUCCEEDED}")
        surplus = int(float(counted or 0)) - len(hunt.jobs)
        if surplus > 0:
            yield Trial(times=0, double=surplus, problem="jobs ended more often than there are")
        # The lease was renewed at the kill at the latest: it ended no later than this.
        since_lease_s = max(hunt.healed_s, default=0.0) - LEASE_S
        yield Figure("longest until another one went on, after a lease", since_lease_s, "s", NEXT_S)


def _buried(hunt: Hunt) -> Iterator[Trial]:
    """Those who died by themselves."""
    for slot in [one for one in hunt.slots if dead(one)]:
        hunt.slots.remove(slot)
        yield Trial(times=0, dead=1, problem=f"a worker ended with {slot.process.returncode}")


def wait_until_ended(hunt: Hunt) -> int:
    """How many jobs do not end though nobody is killed any more."""
    with suppress(AssertionError):
        wait_for(lambda: all(has_ended(hunt.site, one) for one in hunt.live), 60.0)
    return sum(not has_ended(hunt.site, one) for one in hunt.live)
