"""How an attempt ends: whatever happened becomes exactly one entry in the ledger."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from core.contracts import BlobFacts, JobError, JobState
from core.errors import (
    AttemptSuperseded,
    Canceled,
    LiftError,
    OutOfMemory,
    StoreUnavailable,
)
from core.event_log.events import log_event
from core.store.disk_errors import disk_errors
from core.store.ledger import Attempt, JobLedger
from worker.deadline import Deadline
from worker.halt import Halt, Reason

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")


class Outcome(StrEnum):
    """What became of one attempt."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    HANDED_BACK = "handed back"
    """Unfinished, because this worker stops; goes back to the queue at once."""
    TRY_LATER = "to be tried again"
    """The machine stood in the way; goes back to the queue with the next sweep."""
    SUPERSEDED = "superseded"
    NOTHING_TO_DO = "nothing to do"
    """The message was late or came twice."""


@dataclass(frozen=True)
class Ending:
    """An outcome, with the reason if it is a failure."""

    outcome: Outcome
    error: JobError | None = None


@dataclass(frozen=True)
class Lifted:
    """What a successful attempt leaves: a stored result, and how many people it holds."""

    result: BlobFacts
    persons: int


def settle(
    ledger: JobLedger,
    attempt: Attempt,
    halt: Halt,
    work: Callable[[], Lifted],
    *,
    deadline: Deadline,
    max_failures: int,
) -> Ending:
    """Run the work, and enter its end in the ledger.

    Args:
        ledger: where the end is entered.
        attempt: whose work it is; a newer attempt silences it.
        halt: why the work was asked to stop, if it was.
        work: lifts and stores the result.
        deadline: says why, if it is over.
        max_failures: so many failures are final, even retriable ones.
    """
    try:
        lifted = work()
        return Ending(_of(_insist(lambda: ledger.succeed(attempt, lifted.result, lifted.persons))))
    except AttemptSuperseded:
        return Ending(Outcome.SUPERSEDED)
    except Exception as error:
        try:
            if isinstance(error, Canceled):
                return _enter_stop(ledger, attempt, halt, deadline, max_failures)
            return _enter_failure(ledger, attempt, as_lift_error(error), max_failures)
        except AttemptSuperseded:
            return Ending(Outcome.SUPERSEDED)


def _enter_stop(
    ledger: JobLedger, attempt: Attempt, halt: Halt, deadline: Deadline, max_failures: int
) -> Ending:
    match halt.reason:
        case Reason.SHUTDOWN:
            state = _insist(lambda: ledger.release(attempt))
            return Ending(Outcome.HANDED_BACK if state is JobState.QUEUED else _of(state))
        case Reason.SUPERSEDED:
            return Ending(Outcome.SUPERSEDED)
        case Reason.TIMEOUT:
            return _enter_failure(ledger, attempt, deadline.error(), max_failures)
        case _:
            return Ending(_of(_insist(lambda: ledger.cancel(attempt))))


def _enter_failure(
    ledger: JobLedger, attempt: Attempt, error: LiftError, max_failures: int
) -> Ending:
    reason = JobError.of(error)
    log_event(
        log,
        "attempt_failed",
        level=logging.WARNING,
        job_id=attempt.job_id,
        attempt=attempt.token,
        code=reason.code,
        detail=reason.detail,
        retriable=reason.retriable,
    )
    if not reason.retriable:
        return Ending(_of(_insist(lambda: ledger.fail(attempt, reason))), reason)
    state = _insist(lambda: ledger.fail_for_now(attempt, reason, max_failures=max_failures))
    if state is JobState.QUEUED:
        return Ending(Outcome.TRY_LATER)
    return Ending(_of(state), reason)


def as_lift_error(error: Exception) -> LiftError:
    """What a client may see of it; the operator finds the rest in the log."""
    if isinstance(error, LiftError):
        return error
    if isinstance(error, MemoryError):
        return OutOfMemory("The worker ran out of memory while it lifted the video.")
    if isinstance(error, OSError):  # full, read-only or failing: it may be mended by the next time
        return _disk_error(error)
    log.error("unexpected error", exc_info=error)
    return LiftError("An unexpected error stopped the work; the worker's log says more.")


def _disk_error(error: OSError) -> LiftError:
    try:
        with disk_errors():
            raise error
    except LiftError as explained:
        return explained


def _of(state: JobState) -> Outcome:
    # A cancel that came first wins over the end we meant to enter.
    return Outcome(state.value)


def _insist(enter: Callable[[], Answer], *, patience_s: float = 60.0) -> Answer:
    """Enter the end even if Redis is being restarted: the work is done, it would be a pity."""
    deadline, pause_s = time.monotonic() + patience_s, 0.2
    while True:
        try:
            return enter()
        except StoreUnavailable:
            if time.monotonic() > deadline:
                raise
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, 3.0)
