"""Hands job ids to workers through RQ. Everything else about a job is in the ledger."""

from redis import Redis
from rq import Queue, Retry
from rq.serializers import JSONSerializer

from core.contracts import LIFT_JOB, LIFT_QUEUE, POSE_JOB, POSE_QUEUE
from core.store.connection import store_errors

_NO_TIMEOUT = -1
"""RQ's own timeout is an alarm signal that a broad ``except`` can eat; the worker has its own."""
_SHOWN_S = 86_400
"""How long RQ's lists show a handled message."""
_RETRIES = 3


class Transport:
    """The two queues: videos, and single pictures for clients that wait."""

    def __init__(self, redis: Redis) -> None:
        self._videos = Queue(LIFT_QUEUE, connection=redis, serializer=JSONSerializer)
        self._pictures = Queue(POSE_QUEUE, connection=redis, serializer=JSONSerializer)

    def send_job(self, job_id: str) -> None:
        """Queue a job. If this fails, a worker's upkeep finds it in the ledger and sends it."""
        with store_errors():
            self._videos.enqueue_call(
                LIFT_JOB,
                args=(job_id,),
                job_id=job_id,
                description=f"lift {job_id}",
                timeout=_NO_TIMEOUT,
                result_ttl=_SHOWN_S,
                failure_ttl=_SHOWN_S,
                # Interval 0: a later retry would need RQ's scheduler.
                retry=Retry(max=_RETRIES),
            )

    def send_picture(self, pose_id: str, *, ttl_s: int) -> None:
        """Queue a picture; nobody looks at it once the client has stopped waiting."""
        with store_errors():
            self._pictures.enqueue_call(
                POSE_JOB,
                args=(pose_id,),
                job_id=pose_id,
                description=f"pose {pose_id}",
                timeout=_NO_TIMEOUT,
                ttl=ttl_s,
                result_ttl=ttl_s,
                failure_ttl=ttl_s,
            )
