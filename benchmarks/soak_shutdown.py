"""Promise: who is told to stop puts its work down, and nothing is lost; told twice, neither."""

import signal
import subprocess
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from random import Random

import httpx

from benchmarks.soak_promise import Entries, Figure, Setting, Trial
from benchmarks.soak_site import has_ended, holder, short_clip, worksite
from core.contracts import JobState
from core.store.keys import result_key
from tests.faults.clips import PLAN, three_segments, undisturbed
from tests.faults.serving import ServerProcess, Wire, partials_in
from tests.faults.worksite import PATIENCE_S, Slot, Worksite
from tests.waiting import wait_for

FRAME_S = 0.006
HANGING = PLAN.start(2) + 20
"""A frame behind the place from which another worker can go on."""
PROPERLY = (0, -signal.SIGTERM)
"""uvicorn passes a signal on to itself once it has put its work down."""
GRACE_S = {"worker": 20.0, "server": 15.0}
"""Whoever takes longer is killed by its supervisor, or cuts off whom it serves."""
PATIENT_S = 1.2
"""A second signal counts as one only after a while."""


@dataclass
class Stopping:
    """A worker that is relieved by another each time, and a server."""

    site: Worksite
    server: ServerProcess
    content: bytes
    short: bytes
    expected: bytes
    dice: Random
    slot: Slot
    drains_s: list[float] = field(default_factory=list)
    server_drains_s: list[float] = field(default_factory=list)

    def worker(self) -> Trial:
        """At any moment of its job."""
        job_id = self.site.submit(self.content)
        wait_for(lambda: holder(self.site, job_id) is not None, PATIENCE_S)
        time.sleep(self.dice.uniform(0, 2.0))
        asked_s = time.monotonic()
        self.slot.terminate()
        status = self.slot.ends()
        self.drains_s.append(time.monotonic() - asked_s)
        return self._relieved(job_id, "" if status == 0 else f"the worker ended with {status}")

    def worker_twice(self) -> Trial:
        """It hangs, and does not come to an end otherwise."""
        self.slot.terminate()
        self.slot.ends()
        self.slot = self.site.start("hanging", FAULT_HANG_AT=HANGING)
        job_id = self.site.submit(self.content)
        wait_for(lambda: HANGING in self.slot.searched, PATIENCE_S)
        wait_for(lambda: self.site.sections(job_id) > 0, PATIENCE_S)
        wait_for(self._ended_after_another, PATIENCE_S)
        status = self.slot.ends()
        is_right = status == 128 + signal.SIGTERM
        return self._relieved(job_id, "" if is_right else f"told twice, it ended with {status}")

    def server_in_an_upload(self) -> Trial:
        """The upload that is under way is finished and kept."""
        half = len(self.short) // 2
        with Wire(self.server.url).begin(len(self.short), self.short[:half]) as wire:
            wait_for(lambda: partials_in(self.server.data_dir) != [])
            self.server.running.process.send_signal(signal.SIGTERM)
            time.sleep(self.dice.uniform(0, 0.5))
            wire.send(self.short[half:])
            status, job, _ = wire.answer()
        answered_s = time.monotonic()
        ended_with = self.server.running.end()
        since_s = time.monotonic()
        self.server_drains_s.append(since_s - answered_s)
        self.server.start_again()
        if status != httpx.codes.ACCEPTED:
            return Trial(lost=1, problem=f"an upload under way was answered by {status}")
        job_id = job["id"]
        wait_for(lambda: has_ended(self.site, job_id), PATIENCE_S)
        return Trial(
            lost=int(self.site.state(job_id) is not JobState.SUCCEEDED),
            recovery_s=time.monotonic() - since_s,
            problem="" if ended_with in PROPERLY else f"the server ended with {ended_with}",
        )

    def _relieved(self, job_id: str, problem: str) -> Trial:
        since_s = time.monotonic()
        self.slot = self.site.start("heir", FAULT_FRAME_S=FRAME_S)
        wait_for(
            lambda: (
                has_ended(self.site, job_id) or holder(self.site, job_id) == self.slot.process.pid
            ),
            PATIENCE_S,
        )
        recovery_s = time.monotonic() - since_s
        wait_for(lambda: has_ended(self.site, job_id), PATIENCE_S)
        record = self.site.ledger.get(job_id)
        if record.state is not JobState.SUCCEEDED:
            return Trial(lost=1, recovery_s=recovery_s, problem=problem)
        result = b"".join(self.site.blobs.read(result_key(job_id, record.attempt)))
        return Trial(mixed=int(result != self.expected), recovery_s=recovery_s, problem=problem)

    def _ended_after_another(self) -> bool:
        self.slot.terminate()
        try:
            self.slot.process.wait(PATIENT_S)
        except subprocess.TimeoutExpired:
            return False
        return True


def shutdowns(setting: Setting) -> Entries:
    """``SIGTERM`` for workers and servers in turn; results are compared byte for byte."""
    clip = three_segments(setting.folder)
    expected = undisturbed(clip, setting.folder)
    with ExitStack() as stack:
        site = stack.enter_context(worksite(setting.folder))
        server = stack.enter_context(ServerProcess(setting.folder, site.redis_url))
        slot = site.start("first", FAULT_FRAME_S=FRAME_S)
        short = short_clip(setting.folder)
        stopping = Stopping(site, server, clip.read_bytes(), short, expected, setting.dice, slot)
        kinds = (
            stopping.worker,
            stopping.server_in_an_upload,
            stopping.worker,
            stopping.worker_twice,
        )
        for number in setting.rounds(each_s=10):
            yield kinds[number % len(kinds)]()
    drains_s = (("worker", stopping.drains_s), ("server", stopping.server_drains_s))
    for who, seconds in drains_s:
        yield Figure(f"longest drain of a {who}", max(seconds, default=0.0), "s", GRACE_S[who])
