"""What came out: the result file, and single frames as JSON."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from core import errors
from core.contracts import BlobFacts, JobRecord, JobState
from core.errors import JobHasNoResult, ResultExpired, ResultNotReady
from core.store.keys import result_key
from server.auth import UseOwn
from server.downloads import download
from server.filenames import attachment
from server.finished_frames import find_frames
from server.problems import described
from server.schemas import FramePage

router = APIRouter(tags=["results"])

_NPZ = "application/x-npz"
_MOST_FRAMES = 500
_FILE_ERRORS = described(
    errors.JobNotFound,
    errors.ResultNotReady,
    errors.JobHasNoResult,
    errors.ResultExpired,
    errors.RangeNotSatisfiable,
    errors.StoreUnavailable,
)


@router.head("/jobs/{job_id}/result", include_in_schema=False)
@router.get(
    "/jobs/{job_id}/result",
    response_class=Response,
    responses={
        200: {"description": "The result", "content": {_NPZ: {}}},
        206: {"description": "A part of it", "content": {_NPZ: {}}},
        304: {"description": "You have it already"},
    }
    | _FILE_ERRORS,
    summary="Download the result",
)
async def get_result(request: Request, services: UseOwn, job_id: str) -> Response:
    """The `.npz`. Interrupted downloads go on with `Range`; `Repr-Digest` is of the whole file."""
    record = await services.looks.run(services.ledger.get, job_id)
    return await download(
        request,
        services.blobs,
        result_key(record.id, record.attempt),
        _result_of(record),
        disposition=attachment(record.filename),
        media_type=_NPZ,
        threads=services.files,
    )


@router.get(
    "/jobs/{job_id}/frames",
    responses={200: {"model": FramePage}}
    | described(
        errors.JobNotFound, errors.JobHasNoResult, errors.ResultExpired, errors.StoreUnavailable
    ),
    response_class=Response,
    summary="Finished frames as JSON",
)
async def get_frames(
    request: Request,
    services: UseOwn,
    job_id: str,
    start: Annotated[int, Query(ge=0, description="First of the used frames.")] = 0,
    stop: Annotated[
        int | None,
        Query(ge=0, description=f"One past the last; {_MOST_FRAMES} frames a request at most."),
    ] = None,
) -> Response:
    """3D joints frame by frame, while the job runs too. Follow `next` until it is null."""
    page = await services.files.run(_page, services, request, job_id, start, stop)
    return Response(page.model_dump_json(), media_type="application/json")


def _page(
    services: UseOwn, request: Request, job_id: str, start: int, stop: int | None
) -> FramePage:
    record = services.ledger.get(job_id)
    last = start + _MOST_FRAMES if stop is None else min(stop, start + _MOST_FRAMES)
    found = find_frames(services, record, start, last)
    reached = found.frames[-1]["index"] + 1 if found.frames else start
    wanted_all = reached < (found.available if stop is None else min(stop, found.available))
    more_to_come = not record.state.is_final and (stop is None or reached < stop)
    following = request.url.include_query_params(start=reached)
    return FramePage.model_validate(
        {
            "job_id": record.id,
            "state": record.state,
            "start": start,
            "stop": reached,
            "frames_available": found.available,
            "frames": found.frames,
            "next": f"{following.path}?{following.query}" if wanted_all or more_to_come else None,
        }
    )


def _result_of(record: JobRecord) -> BlobFacts:
    match record.state:
        case JobState.SUCCEEDED if record.result is not None:
            return record.result
        case JobState.EXPIRED:
            raise ResultExpired("The result has expired. Upload the video again.")
        case JobState.FAILED:
            raise JobHasNoResult("The job failed, so it has no result; its `error` says why.")
        case JobState.CANCELED:
            raise JobHasNoResult("The job was canceled, so it has no result.")
        case _:
            raise ResultNotReady(
                f"The job is {record.state.value}. Wait for it with GET /jobs/{record.id}?wait=20."
            )
