"""Whether a job sent now would be accepted and done: asked of everything a job needs, for real."""

import asyncio
import time
from collections.abc import Callable, Sequence

from anyio.to_thread import run_sync
from pydantic import BaseModel

from core.contracts import LIFT_QUEUE, POSE_QUEUE, JobState
from core.errors import LiftError
from core.store.blobs import BlobStore
from core.store.heartbeats import Heartbeats
from core.store.keys import new_id
from core.store.ledger import JobLedger
from core.store.probe import StoreProbe

PATIENCE_S = 3.0
"""What answers later than this does not answer: an orchestrator would not wait longer, either."""
FRESH_S = 1.0
"""Answers are given again for this long: asking costs a write to the disk, and anybody may ask."""
SLOW_REPLY_S = 0.25
NEARLY_FULL = 0.9


class Check(BaseModel):
    """One thing that must be well for jobs to be done."""

    name: str
    ok: bool
    degraded: bool = False
    """It works, but not as it should: somebody ought to look before it fails."""
    detail: str


class StandingCheck:
    """One check that is never asked twice at once, however long it takes to answer.

    A disk that hangs keeps a thread for as long as it hangs, but only one.

    Args:
        name: of the check.
        look: looks and says how it is; blocking.
    """

    def __init__(self, name: str, look: Callable[[], Check]) -> None:
        self._name = name
        self._look = look
        self._looking: asyncio.Task[Check] | None = None

    async def answer(self, patience_s: float) -> Check:
        """How it is; not well, if that takes too long to say."""
        if self._looking is None:
            self._looking = asyncio.create_task(run_sync(self._look, abandon_on_cancel=True))
        done, _ = await asyncio.wait({self._looking}, timeout=patience_s)
        if not done:
            detail = f"The check of {self._name} got no answer within {patience_s:g} s."
            return Check(name=self._name, ok=False, detail=detail)
        looked, self._looking = self._looking, None
        try:
            return looked.result()
        except LiftError as error:
            return Check(name=self._name, ok=False, detail=error.detail)
        except OSError as error:
            detail = f"The check of {self._name} failed: {error.strerror}."
            return Check(name=self._name, ok=False, detail=detail)


class ReadinessChecks:
    """All checks together; their answers serve everybody who asks within a second."""

    def __init__(
        self,
        checks: Sequence[StandingCheck],
        *,
        patience_s: float = PATIENCE_S,
        fresh_s: float = FRESH_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._checks = checks
        self._patience_s = patience_s
        self._fresh_s = fresh_s
        self._clock = clock
        self._asking = asyncio.Lock()
        self._answers: list[Check] = []
        self._answered_at = float("-inf")

    async def answers(self) -> list[Check]:
        """How everything is, in the order of the checks."""
        async with self._asking:
            if self._clock() - self._answered_at >= self._fresh_s:
                waiting = (check.answer(self._patience_s) for check in self._checks)
                self._answers = list(await asyncio.gather(*waiting))
                self._answered_at = self._clock()
            return self._answers


def readiness_checks(
    *,
    probe: StoreProbe,
    blobs: BlobStore,
    beats: Heartbeats,
    ledger: JobLedger,
    upload_limit_bytes: int,
    max_queue: int,
) -> ReadinessChecks:
    """The checks of a server: Redis, storage, workers and queue."""
    looks: dict[str, Callable[[], Check]] = {
        "redis": lambda: _redis(probe),
        "storage": lambda: _storage(blobs, upload_limit_bytes),
        "workers": lambda: _workers(beats),
        "queue": lambda: _queue(ledger, max_queue),
    }
    return ReadinessChecks([StandingCheck(name, look) for name, look in looks.items()])


def _redis(probe: StoreProbe) -> Check:
    vitals = probe.vitals()
    detail = f"Redis takes writes; one took {1000 * vitals.reply_s:.1f} ms."
    slow = vitals.reply_s > SLOW_REPLY_S
    if vitals.fullness > NEARLY_FULL:
        detail += f" {vitals.fullness:.0%} of its memory is used."
    degraded = slow or vitals.fullness > NEARLY_FULL
    return Check(name="redis", ok=True, degraded=degraded, detail=detail)


def _storage(blobs: BlobStore, upload_limit_bytes: int) -> Check:
    if not blobs.has_room(0):
        return Check(name="storage", ok=False, detail="There is no room for uploads.")
    key = f"probes/{new_id()}"
    blobs.put_bytes(key, b"ready?")  # free space is told even by a disk that takes no writes
    blobs.delete(key)
    if not blobs.has_room(upload_limit_bytes):
        detail = "Files can be written, but there is no room for an upload of the largest size."
        return Check(name="storage", ok=True, degraded=True, detail=detail)
    return Check(name="storage", ok=True, detail="Files can be written, and there is room.")


def _workers(beats: Heartbeats) -> Check:
    alive = beats.alive()
    lifting = [worker for worker in alive if worker.queue == LIFT_QUEUE]
    if not lifting:
        return Check(name="workers", ok=False, detail="No worker is running.")
    busy = sum(worker.job_id is not None for worker in lifting)
    detail = f"Workers alive: {len(lifting)}, busy: {busy}."
    if not any(worker.queue == POSE_QUEUE for worker in alive):
        detail += " None answers single pictures (POST /poses)."
    return Check(name="workers", ok=True, detail=detail)


def _queue(ledger: JobLedger, max_queue: int) -> Check:
    waiting = ledger.counts()[JobState.QUEUED]
    detail = f"Jobs waiting: {waiting} of at most {max_queue}."
    if waiting >= max_queue:
        detail += " Uploads are refused until some have been worked off."
    return Check(name="queue", ok=True, degraded=waiting >= NEARLY_FULL * max_queue, detail=detail)
