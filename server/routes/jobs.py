"""Jobs: accept a video, say how it stands, list, cancel, remove."""

import logging
from time import monotonic
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from core import errors
from core.contracts import JobRecord, JobState
from core.event_log.events import log_event
from server.auth import UseOwn
from server.deletion import cancel_or_remove
from server.openapi import UPLOAD_BODY
from server.problems import described
from server.quotas import count_upload, count_waiting
from server.schemas import JobPage, JobView
from server.services import Services
from server.uploads import accept

log = logging.getLogger(__name__)

router = APIRouter(tags=["jobs"])

_COUNTED = [Depends(count_upload), Depends(count_waiting)]
_POLL_AGAIN = {"Retry-After": "1"}

_UPLOAD_ERRORS = described(
    errors.NotAVideo,
    errors.CodecUnsupported,
    errors.VideoHasNoPictures,
    errors.UploadEmpty,
    errors.UploadMissing,
    errors.UploadTooLarge,
    errors.UploadTooSlow,
    errors.UploadIncomplete,
    errors.OptionUnknown,
    errors.OptionOutOfRange,
    errors.WebhookUrlInvalid,
    errors.WebhooksDisabled,
    errors.RequestInvalid,
    errors.IdempotencyConflict,
    errors.IdempotencyInFlight,
    errors.QueueFull,
    errors.QuotaExceeded,
    errors.StorageFull,
    errors.StorageUnavailable,
    errors.ServerBusy,
    errors.StoreUnavailable,
)


@router.post(
    "/jobs",
    status_code=202,
    response_model=JobView,
    responses=_UPLOAD_ERRORS,
    openapi_extra=UPLOAD_BODY,
    dependencies=_COUNTED,
    summary="Upload a video to be lifted",
)
async def create_job(request: Request, response: Response, services: UseOwn) -> JobView:
    """Send the video as the form's `file`, with options as further fields, or as the raw body.

    Raw bodies take their options from the query. With an `Idempotency-Key` the request can be
    repeated safely: the same key leads to the same job for a day.
    """
    return await _accepted(request, response, services)


@router.put(
    "/jobs",
    status_code=202,
    response_model=JobView,
    responses=_UPLOAD_ERRORS,
    openapi_extra=UPLOAD_BODY,
    dependencies=_COUNTED,
    summary="Upload a video as `curl -T` does",
)
async def put_job(request: Request, response: Response, services: UseOwn) -> JobView:
    """The same as `POST /jobs`."""
    return await _accepted(request, response, services)


@router.put(
    "/jobs/{filename}",
    status_code=202,
    response_model=JobView,
    responses=_UPLOAD_ERRORS,
    openapi_extra=UPLOAD_BODY,
    dependencies=_COUNTED,
    summary="Upload a video as `curl -T` does to a URL that ends in a slash",
)
async def put_named_job(
    request: Request, response: Response, services: UseOwn, filename: str
) -> JobView:
    """The same as `POST /jobs`; the job gets an id of its own, the name is only shown."""
    return await _accepted(request, response, services, filename)


@router.get("/jobs", responses=described(errors.StoreUnavailable), summary="List jobs")
async def list_jobs(
    request: Request,
    response: Response,
    services: UseOwn,
    state: Annotated[JobState | None, Query(description="Only jobs in this state.")] = None,
    cursor: Annotated[str | None, Query(description="`next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=200, description="Jobs a page.")] = 50,
) -> JobPage:
    """Newest first. What arrives meanwhile moves no page."""
    records, more = await services.looks.run(services.ledger.list, state, cursor, limit)
    if more is not None:
        following = request.url.include_query_params(cursor=more)
        response.headers["Link"] = f'<{following.path}?{following.query}>; rel="next"'
    return JobPage(jobs=[_view(request, record) for record in records], next=more)


@router.get(
    "/jobs/{job_id}",
    responses=described(errors.JobNotFound, errors.StoreUnavailable),
    summary="How a job stands",
)
async def get_job(
    request: Request,
    response: Response,
    services: UseOwn,
    job_id: str,
    wait: Annotated[
        float,
        Query(ge=0, le=60, description="Answer once the state changes, or after so many seconds."),
    ] = 0,
) -> JobView:
    """Poll this, at most once a second, or let it wait for you."""
    record = await _wait_for_change(services, job_id, wait)
    if not record.state.is_final:
        response.headers.update(_POLL_AGAIN)
    response.headers["Cache-Control"] = "no-store"
    return _view(request, record)


@router.delete(
    "/jobs/{job_id}",
    status_code=204,
    response_model=None,
    responses={202: {"model": JobView, "description": "It was live and is being canceled"}}
    | described(errors.JobNotFound, errors.StoreUnavailable),
    summary="Cancel a live job, remove an ended one",
)
async def delete_job(request: Request, services: UseOwn, job_id: str) -> Response:
    """202 cancels: poll until it is `canceled`. 204 has removed the job and all its files."""
    record = await services.files.run(cancel_or_remove, services, job_id)
    if record is None:
        log_event(log, "job_removed", job_id=job_id)
        return Response(status_code=204)
    log_event(log, "job_cancel_requested", job_id=job_id, state=record.state.value)
    headers = {} if record.state.is_final else _POLL_AGAIN
    content = _view(request, record).model_dump_json()
    return Response(content, 202, headers, "application/json")


async def _accepted(
    request: Request, response: Response, services: Services, filename: str | None = None
) -> JobView:
    accepted = await accept(request, services, filename)
    record = accepted.record
    if not accepted.is_replay:
        log_event(
            log,
            "job_accepted",
            job_id=record.id,
            owner=record.owner,
            filename=record.filename,
            size_bytes=record.upload.size_bytes,
        )
    view = _view(request, record)
    response.headers["Location"] = view.links.self
    response.headers.update(_POLL_AGAIN)
    if accepted.is_replay:
        response.headers["Idempotency-Replayed"] = "true"
    return view


async def _wait_for_change(services: Services, job_id: str, wait_s: float) -> JobRecord:
    if wait_s == 0:
        return await _read(services, job_id)
    deadline = monotonic() + wait_s
    with services.changes.watch(job_id) as watch:
        record = first = await _read(services, job_id)
        while record.state is first.state and not record.state.is_final:
            left_s = deadline - monotonic()
            if left_s <= 0 or services.draining.is_on:
                break
            await watch.changed(left_s)
            record = await _read(services, job_id)
    return record


async def _read(services: Services, job_id: str) -> JobRecord:
    return services.ledger.admit(await services.polls.find(job_id))


def _view(request: Request, record: JobRecord) -> JobView:
    return JobView.of(record, request.scope.get("root_path", "").rstrip("/"))
