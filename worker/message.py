"""The queued message: an RQ job that carries an identifier and runs nothing by itself."""

from contextlib import suppress
from typing import Any

from redis import Redis
from rq import Queue, Retry
from rq.exceptions import DeserializationError, NoSuchJobError
from rq.job import Job
from rq.serializers import JSONSerializer

from core.contracts import LIFT_JOB
from core.store.messages import RETRIES, message

UNREADABLE = "(unreadable)"


class Message(Job):
    """An RQ job whose import paths are never followed.

    A message names functions to import and addresses to call: its function, callbacks and webhooks.
    Whoever can write to Redis could name any. The worker maps the two functions it knows to code
    of its own, and everything else here does nothing.
    """

    @property
    def func_name(self) -> str | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """What the message names; RQ reads it where an error would end the whole worker."""
        try:
            return super().func_name
        except DeserializationError:
            return UNREADABLE

    def perform(self) -> Any:  # noqa: ANN401 - RQ's signature
        raise NotImplementedError("the worker runs messages")

    def execute_success_callback(self, death_penalty_class: Any, result: Any) -> None:  # noqa: ANN401
        pass

    def execute_failure_callback(self, death_penalty_class: Any, *exc_info: Any) -> None:  # noqa: ANN401
        pass

    def execute_stopped_callback(self, death_penalty_class: Any) -> None:  # noqa: ANN401
        pass

    def send_webhooks(self, status: Any, *, exc_string: str | None = None) -> None:  # noqa: ANN401
        pass


def open_queue(name: str, connection: Redis) -> Queue:
    """The RQ queue of this name, as every part of PoseLift must open it."""
    return Queue(name, connection=connection, job_class=Message, serializer=JSONSerializer)


def send(queue: Queue, job_id: str, *, at_front: bool = False) -> None:
    """Queue a job again; what RQ still knows of an earlier message for it is dropped.

    Args:
        queue: where to.
        job_id: the ledger's identifier, which is the message's too.
        at_front: before all others, for a job that had been started.
    """
    drop(queue, job_id)
    queue.enqueue_call(**message(LIFT_JOB, job_id), retry=Retry(max=RETRIES), at_front=at_front)


def drop(queue: Queue, job_id: str) -> None:
    """Remove a message from the queue and from every list that RQ may have it in."""
    with suppress(NoSuchJobError):
        Message.fetch(job_id, queue.connection, JSONSerializer).delete()
    queue.intermediate_queue.remove(job_id)
