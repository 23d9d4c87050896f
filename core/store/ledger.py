"""The truth about jobs: one record each in Redis, changed only by whole, fenced transitions.

The queue (RQ) only carries job ids. It may lose one, or bring one twice: what counts is here.
Every claim hands out a new token, and whatever a worker writes carries it, so that an attempt that
was thought dead cannot overwrite the one that took over.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from redis import Redis

from core.contracts import BlobFacts, JobError, JobOptions, JobRecord, JobState, Progress
from core.errors import (
    AttemptSuperseded,
    JobConflict,
    JobNotFound,
    QueueFull,
    QuotaExceeded,
    StoreUnavailable,
    WorkerLost,
)
from core.store import ledger_scripts as scripts
from core.store import upkeep_scripts as upkeep
from core.store.keys import is_id, new_id
from core.store.ledger_reader import Ids, LedgerReader

DAY_S = 86_400.0
_BARRED_S = 3_600
"""Longer than any network keeps what was sent."""


@dataclass(frozen=True)
class Attempt:
    """One worker's right to run one job: valid until its lease ends or a newer token exists."""

    job_id: str
    token: int
    record: JobRecord


class JobLedger(LedgerReader):
    """Job records in Redis, for servers and workers alike; thread-safe.

    Args:
        redis: a client from :func:`core.store.connection.connect`.
        retention_s: how long a finished job's record and files are kept.
        tombstone_s: how long an expired job is still known as such after its files went.
        max_losses: how many workers a job may take down before it fails.

    Every method raises ``StoreUnavailable`` while Redis is away, full or read-only.
    """

    def __init__(
        self,
        redis: Redis,
        *,
        retention_s: float,
        tombstone_s: float = 7 * DAY_S,
        max_losses: int = 3,
    ) -> None:
        super().__init__(redis)
        self._retention_s = retention_s
        self._tombstone_s = tombstone_s
        self._max_losses = max_losses
        self._lost = JobError.of(
            WorkerLost(f"{max_losses} workers died while they ran this job; it was given up.")
        ).model_dump_json()

    # --- for the server ---------------------------------------------------------------------

    def create(
        self,
        *,
        job_id: str,
        filename: str,
        options: JobOptions,
        upload: BlobFacts,
        max_queued: int | None = None,
        max_queued_own: int | None = None,
        webhook_url: str | None = None,
    ) -> JobRecord:
        """Accept a job whose upload is already stored; from here on it must reach an end.

        Hand it to the transport, then call :meth:`sent`; until then :meth:`abandoned` offers it.

        Raises:
            QueueFull: as many jobs wait as may wait.
            QuotaExceeded: as many of this owner's jobs wait as may wait.
            JobConflict: there is another job of that id.
        """
        fields = {
            "filename": filename,
            "options": options.model_dump_json(),
            "upload": upload.model_dump_json(),
        }
        if webhook_url is not None:
            fields["webhook_url"] = webhook_url
        limit = -1 if max_queued is None else max_queued
        own_limit = -1 if max_queued_own is None else max_queued_own
        limits = limit, own_limit, self._owner or ""
        outcome = self._run(scripts.CREATE, job_id, self._retention_s, *limits, *_flat(fields))
        if outcome == b"full":
            raise QueueFull(f"{limit} jobs are waiting already. Try again in a minute.")
        if outcome == b"owner full":
            raise QuotaExceeded(
                f"{own_limit} of your jobs are waiting already. Try again once some have begun."
            )
        if outcome == b"exists":
            raise JobConflict(f"Job '{job_id}' exists already.")
        if outcome == b"barred":  # this very request came late, and was given up meanwhile
            raise StoreUnavailable("The job store was too slow. Send the video again.")
        return self.get(job_id)

    def was_created(self, job_id: str) -> bool:
        """Whether a :meth:`create` that got no answer went through; if not, it never will.

        A request may still be on its way when its sender has lost the connection. So a job that is
        not there is barred: what arrives late makes nothing.
        """
        return bool(self._run(upkeep.BAR, job_id, _BARRED_S))

    def sent(self, job_id: str) -> None:
        """The transport has the job now; :meth:`abandoned` need not offer it."""
        self._run(upkeep.SENT, job_id)

    def request_cancel(self, job_id: str) -> JobRecord:
        """Cancel a queued job at once, or ask the worker of a running one to stop.

        Raises:
            JobNotFound: there is no such job.
            JobConflict: it has ended already.
        """
        self._check_owner(job_id)
        self._settle(job_id, self._run(scripts.REQUEST_CANCEL, job_id, self._retention_s))
        return self.get(job_id)

    def delete(self, job_id: str) -> None:
        """Forget a finished job. Its files are the caller's to remove, before this.

        Raises:
            JobNotFound: there is no such job.
            JobConflict: it has not ended; cancel it first.
        """
        self._check_owner(job_id)
        self._settle(job_id, self._run(scripts.DELETE, job_id))

    # --- for the worker ---------------------------------------------------------------------

    def claim(self, job_id: str, *, worker: str, lease_s: float) -> Attempt | None:
        """Become the one that runs a job, until the lease ends unrenewed.

        None if there is nothing to do: the job has ended, is gone, was canceled meanwhile, has
        taken down too many workers, or another attempt's lease still runs.
        """
        if not is_id(job_id):
            return None
        token = self._run(
            scripts.CLAIM,
            job_id,
            worker,
            lease_s,
            self._retention_s,
            self._max_losses,
            self._lost,
            new_id(),
        )
        return None if token is None else Attempt(job_id, int(token), self.get(job_id))

    def renew(self, attempt: Attempt, lease_s: float) -> bool:
        """Keep the job for another lease; true if the user wants it canceled.

        Raises:
            AttemptSuperseded: the job is no longer this attempt's: stop, and write nothing.
        """
        return self._fenced(scripts.RENEW, attempt, lease_s) == b"1"

    def report(self, attempt: Attempt, progress: Progress) -> None:
        """Show clients how far the attempt is. Raises ``AttemptSuperseded`` as renew does."""
        self._fenced(scripts.REPORT, attempt, progress.model_dump_json(exclude_defaults=True))

    def succeed(self, attempt: Attempt, result: BlobFacts, persons: int) -> JobState:
        """End the job with the result stored under this attempt's key.

        Returns the state that holds: ``canceled`` if a cancel came first; then the result is not
        kept. Raises ``AttemptSuperseded`` as renew does.
        """
        fields = {"result": result.model_dump_json(), "persons": str(persons)}
        return self._finish(attempt, JobState.SUCCEEDED, fields)

    def fail(self, attempt: Attempt, error: JobError) -> JobState:
        """End the job with a coded reason; a cancel that came first wins, as in succeed."""
        return self._finish(attempt, JobState.FAILED, {"error": error.model_dump_json()})

    def cancel(self, attempt: Attempt) -> JobState:
        """End the job as canceled: the worker has stopped. Raises ``AttemptSuperseded``."""
        return self._finish(attempt, JobState.CANCELED, {})

    def release(self, attempt: Attempt) -> JobState:
        """Hand the job back unfinished, to be queued again where it stood, without a penalty.

        Returns the state that holds: ``queued``, or ``canceled`` if a cancel came first. Raises
        ``AttemptSuperseded`` as renew does.
        """
        outcome = self._fenced(scripts.RELEASE, attempt, self._retention_s, 0, "")
        return JobState(outcome.decode())

    def fail_for_now(self, attempt: Attempt, error: JobError, *, max_failures: int) -> JobState:
        """Hand the job back because the machine stood in the way, or fail it after so many times.

        Returns the state that holds: ``queued``, ``failed``, or ``canceled`` if a cancel came
        first. Raises ``AttemptSuperseded`` as renew does.
        """
        outcome = self._fenced(
            scripts.RELEASE, attempt, self._retention_s, max_failures, error.model_dump_json()
        )
        return JobState(outcome.decode())

    # --- upkeep -----------------------------------------------------------------------------

    def abandoned(self, *, grace_s: float = 10.0) -> Ids:
        """Jobs that must be handed to the transport, now or again.

        Running jobs whose lease ran out go back to the queue (or fail, if they keep killing their
        workers); with them come accepted and released jobs that nobody reported as sent within the
        grace time. Sending one twice does no harm. Call :meth:`sent` for each.
        """
        due = self._run(
            upkeep.ABANDONED, "", grace_s, self._retention_s, self._max_losses, self._lost
        )
        return [job_id.decode() for job_id in due]

    def expire_due(self, now: float | None = None) -> Ids:
        """Jobs past ``expires_at``, whose files should go now; they are ``expired`` from here on.

        A job is offered until :meth:`confirm_expired` says that its files are gone, so a sweeper
        that dies forgets nothing. Records that said so long enough are removed.

        Args:
            now: seconds since 1970; Redis's own clock if left out.
        """
        due = self._run(upkeep.EXPIRE_DUE, "", "" if now is None else f"{now:.6f}")
        return [job_id.decode() for job_id in due]

    def confirm_expired(self, job_id: str) -> None:
        """The expired job's files are gone; its record stays a while, to answer 'expired'."""
        self._run(upkeep.CONFIRM_EXPIRED, job_id, self._tombstone_s)

    # ----------------------------------------------------------------------------------------

    def _check_owner(self, job_id: str) -> None:
        if self._owner is not None:
            self.get(job_id)  # owners never change, so that nothing can come in between

    def _settle(self, job_id: str, outcome: bytes) -> None:
        if outcome == b"unknown":
            raise JobNotFound("There is no job of this id.")
        if outcome == b"final":
            raise JobConflict(f"Job '{job_id}' has ended already; there is nothing to cancel.")
        if outcome == b"live":
            raise JobConflict(f"Job '{job_id}' has not ended yet; cancel it first.")

    def _fenced(self, script: str, attempt: Attempt, *args: str | int | float) -> bytes:
        outcome: bytes = self._run(script, attempt.job_id, attempt.token, *args)
        if outcome == b"superseded":
            raise AttemptSuperseded(
                f"Attempt {attempt.token} no longer holds job '{attempt.job_id}'."
            )
        return outcome

    def _finish(self, attempt: Attempt, to: JobState, fields: Mapping[str, str]) -> JobState:
        outcome = self._fenced(scripts.FINISH, attempt, to.value, self._retention_s, *_flat(fields))
        return JobState(outcome.decode())


def _flat(fields: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(part for pair in fields.items() for part in pair)
