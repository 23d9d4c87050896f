"""Progress of the running job on its way to the ledger: seldom enough, and never fatal."""

import time
from collections.abc import Callable

from core.contracts import Progress, Stage
from core.errors import AttemptSuperseded, StoreUnavailable
from core.store.ledger import Attempt, JobLedger
from worker.deadline import Deadline
from worker.halt import Halt, Reason


class ProgressReporter:
    """Called by the pipeline as often as it likes; writes to the ledger at most every ``every_s``.

    A new stage is always written.

    Args:
        ledger: where clients see it.
        attempt: whose progress.
        halt: told when a newer attempt owns the job.
        deadline: told that the job moves on.
        every_s: at most one write in this time.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        ledger: JobLedger,
        attempt: Attempt,
        halt: Halt,
        deadline: Deadline,
        *,
        every_s: float = 0.5,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger = ledger
        self._attempt = attempt
        self._halt = halt
        self._deadline = deadline
        self._every_s = every_s
        self._clock = clock
        self._written_at = float("-inf")
        self._stage: Stage | None = None

    def __call__(self, progress: Progress) -> None:
        now = self._clock()
        self._deadline.moved()
        if progress.stage is self._stage and now - self._written_at < self._every_s:
            return
        self._stage, self._written_at = progress.stage, now
        try:
            self._ledger.report(self._attempt, progress)
        except AttemptSuperseded:
            self._halt.ask(Reason.SUPERSEDED)
        except StoreUnavailable:
            pass  # the heartbeat says so; progress will show again with the next report
