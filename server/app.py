"""The HTTP API as an app."""

from collections.abc import Iterator
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi_offline import FastAPIOffline
from starlette.middleware.cors import CORSMiddleware

from core.contracts import PoseModel
from server import docs_page, problems
from server.answer_headers import AnswerHeaders
from server.auth import KEY_ERRORS, OPTIONAL_SECURITY, SECURITY_SCHEMES, identify
from server.cross_origin import SHARED
from server.gate import Gate, gate_errors
from server.metrics import Metrics
from server.openapi import refuse_as_problems
from server.problems import Problem
from server.request_events import RequestEvents
from server.routes import events, health, jobs, poses, results
from server.services import Draining, lifespan_for
from server.settings import ServerSettings

_VERSION = "0.1.0"
_ABOUT = """Turns videos into 3D human pose tracks.

Upload a video with `POST /jobs`, wait for it with `GET /jobs/{id}?wait=20`, and download
`GET /jobs/{id}/result`. Errors are problem details (RFC 9457) with a stable `code`.
"""


def create_app(settings: ServerSettings, *, draining: Draining | None = None) -> FastAPI:
    """The API; nothing is connected or opened before it starts.

    Args:
        settings: this process's.
        draining: begun by whoever stops the server, so that long answers end early.
    """
    metrics = Metrics()
    # FastAPI's own pages load their scripts from elsewhere: offline, /docs would stay empty.
    app = FastAPIOffline(
        docs_url=None,  # see docs_page
        redoc_url=None,
        title="PoseLift",
        version=_VERSION,
        description=_ABOUT,
        lifespan=lifespan_for(settings, metrics, draining or Draining()),
        # A redirect would make clients upload twice.
        redirect_slashes=False,
    )
    for room in (jobs, events, results, poses):
        app.include_router(room.router, dependencies=[Depends(identify)], responses=KEY_ERRORS)
    for room in (health, docs_page):
        app.include_router(room.router)
    problems.install(app)
    # The last one added is the outermost: it sees what the others refuse.
    app.add_middleware(Gate, hosts=settings.allowed_hosts, origins=settings.cors_origins)
    if settings.cors_origins:
        app.add_middleware(CORSMiddleware, allow_origins=settings.cors_origins, **SHARED)
    app.add_middleware(AnswerHeaders)
    app.add_middleware(RequestEvents, metrics=metrics)
    app.openapi = lambda: _openapi(app)
    return app


def _openapi(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        schema["components"]["securitySchemes"] = SECURITY_SCHEMES
        for method, operation in _operations(schema):
            refuse_as_problems(operation)
            operation["responses"] |= gate_errors(method)
            if "401" in operation["responses"]:
                operation["security"] = OPTIONAL_SECURITY
        models = schema["components"]["schemas"]
        for framework_form in ("HTTPValidationError", "ValidationError"):
            models.pop(framework_form, None)
        models["Problem"] = Problem.model_json_schema()
        models["PoseModel"] = {"type": "string", "enum": [model.value for model in PoseModel]}
        app.openapi_schema = schema
    return app.openapi_schema


def _operations(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each with its method."""
    return (found for path in schema["paths"].values() for found in path.items())
