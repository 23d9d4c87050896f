"""A thread that keeps a running job ours, and tells it when to stop."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass, field

from core.errors import AttemptSuperseded, StoreUnavailable
from core.event_log.events import log_event
from core.store.ledger import Attempt, JobLedger
from worker.deadline import Deadline
from worker.halt import Halt, Reason

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pace:
    """How often the thread beats, and how long it waits.

    Attributes:
        beat_s: between renewals of the lease; a cancel is seen within this time.
        sign_s: between the signs of life that RQ's lists of workers and jobs need.
        lease_s: how long the job stays ours if this process dies.
        stuck_s: how long a job may ignore the request to stop before its process is ended.
    """

    beat_s: float = 0.5
    sign_s: float = 10.0
    lease_s: float = 30.0
    stuck_s: float = 60.0


@contextmanager
def keep_alive(
    ledger: JobLedger,
    attempt: Attempt,
    halt: Halt,
    *,
    pace: Pace,
    deadline: Deadline,
    sign: Callable[[], None],
    on_stuck: Callable[[Reason], None],
) -> Iterator[None]:
    """Renew the attempt's lease for as long as the block runs.

    A cancel, a newer attempt or the deadline asks ``halt``. A Redis that is away is waited for: the
    work goes on, and whether the job is still ours shows when Redis is back.

    Args:
        ledger: where the lease is.
        attempt: whose lease.
        halt: the job's stop sign.
        pace: how often to beat.
        deadline: when the job has had its time.
        sign: called, in the thread, every ``pace.sign_s``; must not raise.
        on_stuck: called, in the thread, when the job does not stop though it was asked to.
    """
    ended = threading.Event()
    heart = _Heart(ledger, attempt, halt, pace, deadline, sign, on_stuck)
    # In a copied context, so that its lines name the job, too.
    thread = threading.Thread(
        target=copy_context().run, args=(heart.beat_until, ended), name="heartbeat", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@dataclass
class _Heart:
    ledger: JobLedger
    attempt: Attempt
    halt: Halt
    pace: Pace
    deadline: Deadline
    sign: Callable[[], None]
    on_stuck: Callable[[Reason], None]
    signed_at: float = field(default_factory=time.monotonic)
    asked_at: float | None = None
    away: bool = False

    def beat_until(self, ended: threading.Event) -> None:
        while not ended.wait(self.pace.beat_s):
            self._renew()
            now = time.monotonic()
            if now - self.signed_at >= self.pace.sign_s:
                self.sign()
                self.signed_at = now
            if self.deadline.is_over:
                self.halt.ask(Reason.TIMEOUT)
            if self.halt.reason is not None and not ended.is_set():
                self._watch_for_end(self.halt.reason, now)

    def _renew(self) -> None:
        if self.halt.reason is Reason.SUPERSEDED:
            return
        try:
            cancel = self.ledger.renew(self.attempt, self.pace.lease_s)
        except AttemptSuperseded:
            self.halt.ask(Reason.SUPERSEDED)
            return
        except StoreUnavailable as error:
            if not self.away:
                log_event(log, "store_away", level=logging.WARNING, detail=error.detail)
            self.away = True
            return
        self.away = False
        if cancel:
            self.halt.ask(Reason.CANCELED)

    def _watch_for_end(self, reason: Reason, now: float) -> None:
        if self.asked_at is None:
            self.asked_at = now
        elif now - self.asked_at > self.pace.stuck_s:
            self.on_stuck(reason)
            self.asked_at = None
