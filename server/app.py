"""The HTTP API as an app."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi_offline import FastAPIOffline

from core.contracts import PoseModel
from server import problems
from server.metrics import Metrics, RequestTimer
from server.problems import Problem
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
        redoc_url=None,
        title="PoseLift",
        version=_VERSION,
        description=_ABOUT,
        lifespan=lifespan_for(settings, metrics, draining or Draining()),
        # A redirect would make clients upload twice.
        redirect_slashes=False,
    )
    for room in (jobs, events, results, poses, health):
        app.include_router(room.router)
    problems.install(app)
    app.add_middleware(RequestTimer, metrics=metrics)
    app.openapi = lambda: _openapi(app)
    return app


def _openapi(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        models = schema["components"]["schemas"]
        models["Problem"] = Problem.model_json_schema()
        models["PoseModel"] = {"type": "string", "enum": [model.value for model in PoseModel]}
        app.openapi_schema = schema
    return app.openapi_schema
