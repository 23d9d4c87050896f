"""What operators hear of one attempt: events in the log, and numbers for ``/metrics``."""

import logging
import time
from collections.abc import Callable

from core.contracts import Progress, Stage
from core.event_log.events import log_event
from core.store.counters import JOB_BOUNDS_S, Count, Tally
from core.store.ledger import Attempt
from worker.bench import Summary
from worker.ending import Ending, Outcome

log = logging.getLogger(__name__)

_EVENTS = {
    Outcome.SUCCEEDED: "job_succeeded",
    Outcome.FAILED: "job_failed",
    Outcome.CANCELED: "job_canceled",
    Outcome.HANDED_BACK: "job_handed_back",
    Outcome.TRY_LATER: "job_retried",
    Outcome.SUPERSEDED: "job_superseded",
}


class AttemptEvents:
    """One attempt, from its claim to its end. Lines name the job through :func:`about_job`.

    Args:
        attempt: which.
        tally: where numbers are summed up.
        worker: this one's name.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        attempt: Attempt,
        tally: Tally,
        *,
        worker: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._attempt = attempt
        self._tally = tally
        self._worker = worker
        self._clock = clock
        self._began_at = self._stage_began_at = clock()
        self._stage: Stage | None = None

    def started(self) -> None:
        """The job is ours."""
        record = self._attempt.record
        if self._attempt.token == 1 and record.started_at is not None:
            waited_s = (record.started_at - record.created_at).total_seconds()
            self._tally.observe(Count.JOB_WAIT_SECONDS, seconds=waited_s, bounds_s=JOB_BOUNDS_S)
        log_event(
            log,
            "job_started",
            worker=self._worker,
            filename=record.filename,
            size_bytes=record.upload.size_bytes,
        )

    def goes_on_at(self, frame: int) -> None:
        """What an earlier attempt saw up to this frame is used; 0 if there is nothing."""
        if frame:
            self._tally.add(Count.JOBS_RESUMED)
            log_event(log, "job_resumed", from_frame=frame)

    def progressed(self, progress: Progress) -> None:
        """The pipeline tells what it is busy with."""
        if progress.stage is not self._stage:
            self._leave_stage()
            self._stage = progress.stage

    def lifted(self, summary: Summary, warm_start_s: float) -> None:
        """The result is written, not yet stored.

        Args:
            summary: of the result.
            warm_start_s: from the claim until there was a picture to search for people.
        """
        self._tally.add(Count.FRAMES, by=summary.frames)
        for note in summary.quality.notes:
            self._tally.add(Count.QUALITY_NOTES, note)
        log_event(
            log,
            "job_lifted",
            frames=summary.frames,
            persons=summary.persons,
            warm_start_ms=round(1000 * warm_start_s, 1),
            notes=",".join(summary.quality.notes) or None,
        )

    def ended(self, ending: Ending) -> None:
        """Whatever became of it is in the ledger now."""
        self._leave_stage()
        seconds = self._clock() - self._began_at
        outcome = ending.outcome.name.lower()
        self._tally.observe(Count.JOB_RUN_SECONDS, outcome, seconds=seconds, bounds_s=JOB_BOUNDS_S)
        log_event(
            log,
            _EVENTS[ending.outcome],
            level=logging.ERROR if ending.outcome is Outcome.FAILED else logging.INFO,
            seconds=round(seconds, 2),
            code=ending.error.code if ending.error else None,
            detail=ending.error.detail if ending.error else None,
        )

    def _leave_stage(self) -> None:
        now = self._clock()
        if self._stage not in (None, Stage.DONE):
            self._tally.add(Count.STAGE_SECONDS, self._stage.value, by=now - self._stage_began_at)
        self._stage, self._stage_began_at = None, now
