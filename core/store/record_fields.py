"""A job's Redis hash, read back as a ``JobRecord``."""

from datetime import UTC, datetime
from typing import Any

from core.contracts import (
    BlobFacts,
    JobError,
    JobOptions,
    JobRecord,
    JobState,
    Progress,
    Stage,
    WebhookProgress,
    WebhookState,
)


class Fields(dict[str, str]):
    """The hash's fields; one that was never written is absent."""

    @classmethod
    def of_reply(cls, reply: Any) -> "Fields":  # noqa: ANN401 - flat in RESP2, a map in RESP3
        if isinstance(reply, dict):
            pairs = reply.items()
        else:
            pairs = zip(reply[::2], reply[1::2], strict=True)
        return cls((name.decode(), value.decode()) for name, value in pairs)

    def time(self, name: str) -> datetime | None:
        return datetime.fromtimestamp(float(self[name]), UTC) if name in self else None


def read_record(fields: Fields, queue_rank: int, now: float) -> JobRecord:
    """The record as it stands at ``now``: one past its time is expired, swept or not."""
    state = JobState(fields["state"])
    if state.is_final and float(fields["expires_at"]) <= now:
        state = JobState.EXPIRED
    return JobRecord(
        id=fields["id"],
        state=state,
        options=JobOptions.model_validate_json(fields["options"]),
        filename=fields["filename"],
        upload=BlobFacts.model_validate_json(fields["upload"]),
        owner=fields.get("owner"),
        created_at=_certain(fields.time("created_at")),
        started_at=fields.time("started_at"),
        finished_at=fields.time("finished_at"),
        expires_at=_certain(fields.time("expires_at")),
        attempt=int(fields["attempt"]),
        worker=fields.get("worker"),
        cancel_requested=fields.get("cancel_requested") == "1",
        progress=_progress(fields, state, queue_rank),
        error=JobError.model_validate_json(fields["error"]) if "error" in fields else None,
        result=BlobFacts.model_validate_json(fields["result"]) if "result" in fields else None,
        persons=int(fields["persons"]) if "persons" in fields else None,
        webhook_url=fields.get("webhook_url"),
        webhook=_webhook(fields) if "webhook_url" in fields else None,
    )


def _progress(fields: Fields, state: JobState, queue_rank: int) -> Progress:
    if state is JobState.QUEUED:
        return Progress(queue_position=queue_rank + 1)
    known = Progress.model_validate_json(fields.get("progress", "{}"))
    if state.is_final:
        return known.model_copy(update={"stage": Stage.DONE, "eta_s": None})
    return known


def _webhook(fields: Fields) -> WebhookProgress:
    return WebhookProgress(
        state=WebhookState(fields.get("webhook_state", WebhookState.WAITING)),
        attempts=int(fields.get("webhook_attempts", "0")),
        next_attempt_at=fields.time("webhook_due"),
        last_status=int(fields["webhook_status"]) if "webhook_status" in fields else None,
        last_error=fields.get("webhook_error"),
    )


def _certain(time: datetime | None) -> datetime:
    assert time is not None  # noqa: S101 - every record is created with it
    return time
