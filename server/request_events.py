"""Every request, timed, counted and logged."""

import logging
import time
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.event_log.events import log_event
from server.metrics import Metrics

log = logging.getLogger(__name__)

PROBLEM_CODE = "poselift.problem_code"
"""Where a request's scope says with which code it was refused."""

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
_UPLOADS = frozenset({"POST", "PUT"})


class RequestEvents:
    """Middleware, the outermost of all: what others refuse counts too.

    Requests are told apart by route, not by path, and their query is never shown: ids must not
    become labels, and whatever a client puts into an address not lines of a log.

    Args:
        app: what answers.
        metrics: counts them.
        clock: monotonic seconds.
    """

    def __init__(
        self, app: ASGIApp, metrics: Metrics, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = self._clock(), 500

        async def note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, note_status)
        except Exception:
            scope[PROBLEM_CODE] = "internal_error"
            raise
        finally:
            self._tell(scope, status, self._clock() - began)

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        # A client may invent methods without end; each would become a series of its own.
        method = scope["method"] if scope["method"] in _METHODS else "other"
        route = getattr(scope.get("route"), "path", "none")
        code: str | None = scope.get(PROBLEM_CODE)
        self._metrics.answered(method, route, status, seconds)
        said = {
            "method": method,
            "route": route,
            "status": status,
            "seconds": round(seconds, 4),
            "client": (scope.get("client") or (None,))[0],
            "job_id": scope.get("path_params", {}).get("job_id"),
            "code": code,
        }
        if code is not None and method in _UPLOADS and _is_for_jobs(scope["path"]):
            self._metrics.refused(code)
            log_event(log, "upload_refused", level=logging.WARNING, **said)
        else:
            log_event(log, "request", **said)


def _is_for_jobs(path: str) -> bool:
    return path == "/jobs" or path.startswith("/jobs/")
