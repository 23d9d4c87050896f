"""For those who run it: alive, ready, and numbers."""

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from core.errors import StoreUnavailable
from server.auth import KEY_ERRORS, identify
from server.deployment_numbers import STORE_AWAY
from server.problems import MEDIA_TYPE, Problem
from server.readiness import Check
from server.services import Use

router = APIRouter(tags=["operation"])

_EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"


class Readiness(BaseModel):
    """Whether a job sent now would be done."""

    ready: bool
    degraded: bool = False
    """It would be, but something ought to be looked after; the checks say what."""
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
    """Redis and the storage take writes, there is room, and a worker for videos lives."""
    checks = await services.readiness.answers()
    if all(check.ok for check in checks):
        degraded = any(check.degraded for check in checks)
        return Readiness(ready=True, degraded=degraded, checks=checks)
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


@router.get(
    "/metrics",
    response_class=Response,
    responses=KEY_ERRORS,
    summary="Numbers for Prometheus",
)
async def metrics(request: Request, services: Use) -> Response:
    """Of the whole deployment: jobs, queue, workers, failures, uploads, request times."""
    try:
        await identify(request, services)
    except StoreUnavailable:  # nor can keys be looked up: nothing but this is told
        return Response(STORE_AWAY, media_type=_EXPOSITION)
    return Response(await services.looks.run(services.metrics.expose), media_type=_EXPOSITION)
