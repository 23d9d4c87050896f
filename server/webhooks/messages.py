"""What a webhook is told."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from core.contracts import JobRecord
from core.store.webhooks import Delivery
from server.schemas import JobView


class JobEnded(BaseModel):
    """A job has ended."""

    type: Annotated[
        str, Field(description="What happened.", examples=["job.succeeded", "job.failed"])
    ]
    timestamp: Annotated[datetime, Field(description="When it happened.")]
    data: Annotated[JobView, Field(description="The job as `GET /jobs/{id}` shows it.")]


def message_id(delivery: Delivery) -> str:
    """The same for every attempt: a job ends once."""
    return f"msg_{delivery.job_id}"


def message_body(delivery: Delivery, record: JobRecord, root: str) -> bytes:
    """The message as JSON.

    Args:
        delivery: what happened, and when.
        record: the job.
        root: path under which the API is mounted, without a slash at its end.
    """
    # How the telling itself goes would be out of date with the next attempt.
    view = JobView.of(record.model_copy(update={"webhook": None}), root)
    ended = JobEnded(type=delivery.event, timestamp=delivery.ended_at, data=view)
    return ended.model_dump_json().encode()
