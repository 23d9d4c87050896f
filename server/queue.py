"""Hands job ids to workers through RQ. Everything else about a job is in the ledger."""

from redis import Redis
from rq import Queue, Retry
from rq.serializers import JSONSerializer

from core.contracts import LIFT_JOB, LIFT_QUEUE, POSE_JOB, POSE_QUEUE
from core.store.connection import store_errors
from core.store.messages import RETRIES, message


class Transport:
    """The two queues: videos, and single pictures for clients that wait."""

    def __init__(self, redis: Redis) -> None:
        self._videos = Queue(LIFT_QUEUE, connection=redis, serializer=JSONSerializer)
        self._pictures = Queue(POSE_QUEUE, connection=redis, serializer=JSONSerializer)

    def send_job(self, job_id: str) -> None:
        """Queue a job. If this fails, a worker's upkeep finds it in the ledger and sends it."""
        with store_errors():
            # Interval 0: a later retry would need RQ's scheduler.
            self._videos.enqueue_call(**message(LIFT_JOB, job_id), retry=Retry(max=RETRIES))

    def send_picture(self, pose_id: str, *, ttl_s: int) -> None:
        """Queue a picture; nobody looks at it once the client has stopped waiting."""
        with store_errors():
            self._pictures.enqueue_call(**message(POSE_JOB, pose_id, shown_s=ttl_s), ttl=ttl_s)
