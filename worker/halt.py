"""Why the running job should stop, asked from other threads and from signal handlers."""

from enum import StrEnum


class Reason(StrEnum):
    """What made us ask a job to stop."""

    CANCELED = "canceled"
    """The user no longer wants it."""
    TIMEOUT = "timeout"
    """It took longer than it may."""
    SUPERSEDED = "superseded"
    """A newer attempt owns the job: nothing may be written any more."""
    SHUTDOWN = "shutdown"
    """This worker is being stopped: another one goes on with the job."""


class Halt:
    """A stop sign for one job; calling it answers whether to stop.

    A plain attribute and no lock: a signal handler may ask in the middle of anything, and
    assignments are atomic. The first reason stands; the ledger sorts out what really holds.
    """

    def __init__(self) -> None:
        self._reason: Reason | None = None

    @property
    def reason(self) -> Reason | None:
        return self._reason

    def ask(self, reason: Reason) -> None:
        if self._reason is None:
            self._reason = reason

    def __call__(self) -> bool:
        return self._reason is not None
