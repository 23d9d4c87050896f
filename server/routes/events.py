"""A job's life as server-sent events."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from core import errors
from core.contracts import JobRecord
from server.auth import UseOwn
from server.problems import described
from server.schemas import JobView

router = APIRouter(tags=["jobs"])

_AT_MOST_EVERY_S = 0.2


async def _existing(services: UseOwn, job_id: str) -> str:
    """Before the stream begins, so that an unknown job is still answered by a 404."""
    return (await services.looks.run(services.ledger.get, job_id)).id


@router.get(
    "/jobs/{job_id}/events",
    response_class=EventSourceResponse,
    responses=described(errors.JobNotFound, errors.StoreUnavailable),
    summary="Follow a job",
)
async def follow_job(
    request: Request, services: UseOwn, job_id: Annotated[str, Depends(_existing)]
) -> AsyncIterator[ServerSentEvent]:
    """One `job` event now and with every change, as `GET /jobs/{id}` shows it.

    Ends with the job. After a `gone` event the job was removed.
    """
    root = request.scope.get("root_path", "").rstrip("/")
    shown: JobRecord | None = None
    with services.changes.watch(job_id) as watch:
        while not services.draining.is_on:
            try:
                record = await services.looks.run(services.ledger.get, job_id)
            except errors.JobNotFound:
                yield ServerSentEvent(event="gone", raw_data="{}")
                return
            except errors.StoreUnavailable:
                record = shown  # it will be back; the client need not know
            if record is not None and record != shown:
                shown = record
                content = JobView.of(record, root).model_dump_json()
                yield ServerSentEvent(event="job", raw_data=content)
                if record.state.is_final:
                    return
                await asyncio.sleep(_AT_MOST_EVERY_S)
            await watch.changed(60.0)
