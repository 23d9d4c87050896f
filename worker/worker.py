"""The RQ worker: takes a message, runs it on the warm bench, and keeps RQ's books in order."""

import logging
import os
import signal
import time
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, SimpleWorker
from rq.exceptions import StopRequested
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.timeouts import BaseDeathPenalty
from rq.utils import now

from core.contracts import JobError
from core.errors import LiftError
from worker.ending import Ending, Outcome
from worker.halt import Halt, Reason
from worker.message import Message, open_queue

log = logging.getLogger(__name__)

WORKER_TTL_S = 30
"""An idle worker asks for a message for half of this, then says that it lives."""
MESSAGE_TTL_S = 90
"""RQ lists a message as started for this long after the last sign of life."""
CLEANING_S = 60

JobFunction = Callable[..., Ending]
"""Called as ``function(*args, halt=..., beat=...)``."""


class NoDeathPenalty(BaseDeathPenalty):
    """RQ's alarm, switched off: the heartbeat asks a late job to stop instead."""

    def setup_death_penalty(self) -> None:
        pass

    def cancel_death_penalty(self) -> None:
        pass


class LiftWorker(SimpleWorker):
    """Runs messages in this process, so that the model stays loaded between them.

    RQ's ``Worker`` forks for every job: a CUDA context does not survive that, and each job would
    load the model again. ``SimpleWorker`` does not fork, but sends no sign of life during a job,
    cannot stop one, and imports whatever function a message names. This class adds those three:

    - only the functions it is given run; a message that names another one fails, unimported;
    - the job function gets ``beat``, to be called every few seconds while it works;
    - one SIGTERM asks the job to hand itself back, a second ends the process.

    It listens on exactly one queue: RQ then moves a message with BLMOVE, and cannot lose it between
    two commands.

    Args:
        queue_name: the one queue.
        functions: what the names in messages stand for.
        connection: a client of its own; RQ changes its timeouts.
        name: unique among live workers; shown by ``rq info``.
        on_busy: told the identifier of each message as it begins, and None at its end.
        hand_back: puts an unfinished job back into the queue, after RQ's books were closed.
    """

    job_class = Message
    death_penalty_class = NoDeathPenalty

    def __init__(
        self,
        queue_name: str,
        *,
        functions: Mapping[str, JobFunction],
        connection: Redis,
        name: str,
        hand_back: Callable[[Queue, str], None],
        on_busy: Callable[[str | None], None] = lambda job_id: None,
    ) -> None:
        super().__init__(
            [open_queue(queue_name, connection)],
            name=name,
            connection=connection,
            serializer=JSONSerializer,
            job_class=Message,
            worker_ttl=WORKER_TTL_S,
            maintenance_interval=CLEANING_S,
            log_job_description=False,
        )
        self._functions = functions
        self._hand_back = hand_back
        self._on_busy = on_busy
        self._halt: Halt | None = None
        self._stop_asked_at: float | None = None
        self._listening = False

    @property
    def stopping(self) -> bool:
        """Whether this process was asked to end."""
        return self._stop_asked_at is not None

    # --- running one message ----------------------------------------------------------------

    def perform_job(self, job: Job, queue: Queue) -> bool:
        """Run one message to its end; never raises for what the job did."""
        self.prepare_job_execution(job, remove_from_intermediate_queue=True)
        job.started_at = now()
        self._halt = Halt()
        if self.stopping:
            self._halt.ask(Reason.SHUTDOWN)
        self._on_busy(job.id)
        try:
            ending = self._run(job, self._halt)
        finally:
            self._halt = None
            self._on_busy(None)
        self._close_books(job, queue, ending)
        if ending.outcome is Outcome.HANDED_BACK:
            self._hand_back(queue, job.id)
        return ending.error is None

    def _run(self, job: Job, halt: Halt) -> Ending:
        try:
            function = self._functions.get(str(job.func_name))
            if function is None:
                return _refused(f"This worker does not run '{job.func_name}'.")
            return function(*job.args, **job.kwargs, halt=halt, beat=lambda: self._beat(job))
        except Exception as error:
            log.exception("job=%s left unfinished", job.id)
            return _failed(f"{type(error).__name__}: {error}")

    def _beat(self, job: Job) -> None:
        try:
            self.maintain_heartbeats(job)
        except RedisError as error:
            log.warning("job=%s no sign of life could be sent: %s", job.id, error)

    def _close_books(self, job: Job, queue: Queue, ending: Ending) -> None:
        job.ended_at = now()
        if ending.outcome is Outcome.SUPERSEDED:
            # The message under this name is the newer attempt's by now: leave it alone.
            with self.connection.pipeline() as pipeline:
                self.cleanup_execution(job, pipeline)
                pipeline.execute()
        elif ending.error is not None:
            job.retries_left = 0
            reason = f"{ending.error.code}: {ending.error.detail}"
            self.handle_job_failure(job, queue, queue.started_job_registry, exc_string=reason)
        else:
            job._result = ending.outcome.value
            self.handle_job_success(job, queue, queue.started_job_registry)

    def get_heartbeat_ttl(self, job: Job) -> int:
        return MESSAGE_TTL_S

    # --- being stopped ----------------------------------------------------------------------

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """First signal: hand the running job back and end. Talks to nobody: it is a handler."""
        self._stop_asked_at = time.monotonic()
        self._stop_requested = True
        if self._halt is not None:
            self._halt.ask(Reason.SHUTDOWN)
        elif self._listening:
            raise StopRequested

    def request_force_stop(self, signum: int, frame: FrameType | None) -> None:
        """Second signal: end at once; the job's lease runs out and another worker takes it."""
        # A terminal and a supervisor may both pass on the same Ctrl-C.
        if self._stop_asked_at is not None and time.monotonic() - self._stop_asked_at < 1.0:
            return
        os._exit(128 + signum)

    def dequeue_job_and_maintain_ttl(
        self, timeout: int | None, max_idle_time: int | None = None
    ) -> tuple[Job, Queue] | None:
        """Wait for a message; the one place where a signal may break in with an exception."""
        self._listening = True
        try:
            if self.stopping:
                raise StopRequested
            return super().dequeue_job_and_maintain_ttl(timeout, max_idle_time)
        finally:
            self._listening = False

    def _install_signal_handlers(self) -> None:
        """The slot owns the handlers: they must be there before and between workers, too."""

    def kill_horse(self, sig: signal.Signals = signal.SIGKILL) -> None:
        """RQ's own stop command, from its dashboard: cancels the running job."""
        if self._halt is not None:
            self._halt.ask(Reason.CANCELED)

    def teardown(self) -> None:
        """Say goodbye; if Redis is away, at least stop the thread that listens for commands."""
        try:
            super().teardown()
        finally:
            if self.pubsub_thread is not None:
                self.pubsub_thread.stop()

    def bootstrap(self, logging_level: Any = None, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """Register, without RQ's own log handlers."""
        super().bootstrap(None, *args, **kwargs)


def _refused(detail: str) -> Ending:
    log.error("message refused: %s", detail)
    return _failed(detail)


def _failed(detail: str) -> Ending:
    return Ending(Outcome.FAILED, JobError.of(LiftError(detail)))
