"""For those who run it: alive, ready, and numbers."""

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from core.contracts import LIFT_QUEUE
from core.errors import LiftError
from server.problems import MEDIA_TYPE, Problem
from server.services import Services, Use

router = APIRouter(tags=["operation"])

_EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"


class Check(BaseModel):
    """One thing that must be well for jobs to be done."""

    name: str
    ok: bool
    detail: str


class Readiness(BaseModel):
    """Whether a job sent now would be done."""

    ready: bool
    checks: list[Check]


class NotReady(Problem):
    """What is missing."""

    checks: list[Check]


@router.get("/healthz", summary="The process lives")
async def healthz() -> dict[str, str]:
    """Asks nobody else."""
    return {"status": "ok"}


@router.get(
    "/readyz",
    response_model=Readiness,
    responses={503: {"model": NotReady, "description": "Something is missing"}},
    summary="Jobs can be accepted and done",
)
async def readyz(request: Request, services: Use) -> Readiness | Response:
    """Redis answers, files have room, and at least one worker lives."""
    checks = await services.looks.run(lambda: [_redis(services), _room(services)])
    checks.append(await services.looks.run(_worker, services))
    if all(check.ok for check in checks):
        return Readiness(ready=True, checks=checks)
    missing = NotReady(
        type="urn:poselift:problem:not_ready",
        title="The service is not ready",
        status=503,
        detail=" ".join(check.detail for check in checks if not check.ok),
        code="not_ready",
        instance=request.url.path,
        retriable=True,
        checks=checks,
    )
    return JSONResponse(missing.model_dump(), 503, {"Retry-After": "5"}, MEDIA_TYPE)


@router.get("/metrics", response_class=Response, summary="Numbers for Prometheus")
async def metrics(services: Use) -> Response:
    """Jobs by state, queue depth, workers, uploads, request times."""
    return Response(await services.looks.run(services.metrics.expose), media_type=_EXPOSITION)


def _redis(services: Services) -> Check:
    try:
        services.ledger.counts()
    except LiftError as error:
        return Check(name="redis", ok=False, detail=error.detail)
    return Check(name="redis", ok=True, detail="Redis answers.")


def _room(services: Services) -> Check:
    try:
        has_room = services.blobs.has_room(0)
    except LiftError as error:
        return Check(name="storage", ok=False, detail=error.detail)
    detail = "There is room for uploads." if has_room else "There is no room for uploads."
    return Check(name="storage", ok=has_room, detail=detail)


def _worker(services: Services) -> Check:
    try:
        alive = services.beats.alive(LIFT_QUEUE)
    except LiftError:
        return Check(name="workers", ok=False, detail="Workers cannot be seen without Redis.")
    detail = f"Workers alive: {len(alive)}." if alive else "No worker is running."
    return Check(name="workers", ok=bool(alive), detail=detail)
