"""Every error a client sees: RFC 9457 problem details with one of our stable codes."""

import logging
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from core import errors
from core.errors import LiftError
from server.answer_headers import SAFE_HEADERS
from server.lingering import LingeringResponse, has_unread_body
from server.request_events import PROBLEM_CODE

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

STATUS: dict[type[LiftError], int] = {
    errors.VideoError: 422,
    errors.NotAVideo: 415,
    errors.CodecUnsupported: 415,
    errors.VideoHasNoPictures: 415,
    errors.OptionError: 422,
    errors.ImageInvalid: 422,
    errors.RequestInvalid: 400,
    errors.UploadEmpty: 422,
    errors.UploadMissing: 422,
    errors.UploadIncomplete: 400,
    errors.UploadTooLarge: 413,
    errors.UploadTooSlow: 408,
    errors.JobNotFound: 404,
    errors.JobConflict: 409,
    errors.ResultExpired: 410,
    errors.BlobMissing: 410,
    errors.RangeNotSatisfiable: 416,
    errors.IdempotencyConflict: 422,
    errors.IdempotencyInFlight: 409,
    errors.ApiKeyRequired: 401,
    errors.ApiKeyInvalid: 401,
    errors.OriginNotAllowed: 403,
    errors.HostNotAllowed: 421,
    errors.HeadersTooLarge: 431,
    errors.QueueFull: 429,
    errors.StorageFull: 507,
    errors.ResourceError: 503,
    errors.LiftError: 500,
}
"""What each kind of error is in HTTP's terms; a kind that is not here counts as its parent."""

_RETRY_AFTER_S = {409: 1, 429: 30, 503: 5, 507: 60}


class Problem(BaseModel):
    """Why a request was refused (RFC 9457)."""

    type: Annotated[str, Field(examples=["urn:poselift:problem:job_not_found"])]
    title: Annotated[str, Field(examples=["There is no such job"])]
    status: Annotated[int, Field(examples=[404])]
    detail: Annotated[str, Field(description="A sentence that says what can be done.")]
    code: Annotated[str, Field(description="Stable: match on this.", examples=["job_not_found"])]
    instance: Annotated[str, Field(description="The path that was asked for.")]
    retriable: Annotated[bool, Field(description="Whether the same may succeed later.")] = False


def status_of(error: LiftError) -> int:
    """The HTTP status for an error: its own, or that of its nearest ancestor."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def respond(request: Request, error: LiftError, headers: dict[str, str] | None = None) -> Response:
    """The response that tells a client of an error."""
    problem = _problem(request, status_of(error), error.code, error.title, error.detail)
    problem.retriable = error.retriable
    return _response(request, problem, dict(headers or {}))


def install(app: FastAPI) -> None:
    """Have every error of the app, the framework's own too, answered by a problem."""
    app.add_exception_handler(LiftError, _lift_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _parameter_error)
    app.add_exception_handler(Exception, _bug)


def described(*kinds: type[LiftError]) -> dict[int | str, dict[str, Any]]:
    """OpenAPI's ``responses`` for a route that may raise these errors."""
    by_status: dict[int, list[type[LiftError]]] = {}
    for kind in kinds:
        by_status.setdefault(status_of(kind("")), []).append(kind)
    return {
        status: {
            "description": "; ".join(f"{kind.title} (`{kind.code}`)" for kind in found),
            "content": {
                MEDIA_TYPE: {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                    "examples": {kind.code: {"value": _example(status, kind)} for kind in found},
                }
            },
        }
        for status, found in sorted(by_status.items())
    }


def _example(status: int, kind: type[LiftError]) -> dict[str, Any]:
    return {
        "type": f"urn:poselift:problem:{kind.code}",
        "title": kind.title,
        "status": status,
        "detail": "A sentence that says what can be done.",
        "code": kind.code,
        "instance": "/jobs",
        "retriable": kind.retriable,
    }


def _problem(request: Request, status: int, code: str, title: str, detail: str) -> Problem:
    return Problem(
        type=f"urn:poselift:problem:{code}",
        title=title,
        status=status,
        detail=detail,
        code=code,
        instance=request.url.path,
    )


def _response(request: Request, problem: Problem, headers: dict[str, str]) -> Response:
    request.scope[PROBLEM_CODE] = problem.code
    # Once more here: what answers to a bug stands outside of all middleware.
    headers = SAFE_HEADERS | headers
    if problem.status == HTTPStatus.UNAUTHORIZED:
        headers.setdefault("WWW-Authenticate", 'Bearer realm="poselift"')
    if problem.retriable and problem.status in _RETRY_AFTER_S:
        headers.setdefault("Retry-After", str(_RETRY_AFTER_S[problem.status]))
    kind = LingeringResponse if has_unread_body(request) else JSONResponse
    return kind(problem.model_dump(), problem.status, headers, MEDIA_TYPE)


def _lift_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, LiftError)  # noqa: S101 - registered for nothing else
    if status_of(error) == HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return respond(request, error)


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for nothing else
    status = HTTPStatus(error.status_code)
    detail = {
        HTTPStatus.NOT_FOUND: f"There is nothing at {request.url.path}. See /docs.",
        HTTPStatus.METHOD_NOT_ALLOWED: f"{request.method} is not possible here. See /docs.",
    }.get(status, f"{error.detail}.")
    code = status.phrase.lower().replace(" ", "_").replace("-", "_")
    problem = _problem(request, status.value, code, status.phrase, detail)
    return _response(request, problem, dict(error.headers or {}))


def _parameter_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for nothing else
    first = error.errors()[0]
    name = str(first["loc"][-1])
    detail = f"Parameter '{name[:80]}': {first['msg'][0].lower()}{first['msg'][1:]}."
    problem = _problem(request, 422, "parameter_invalid", "A parameter is not valid", detail)
    return _response(request, problem, {})


def _bug(request: Request, error: Exception) -> Response:
    # The framework logs the traceback; the client learns that it is our fault, and no more.
    return respond(request, LiftError("An unexpected error happened. The server's log says more."))
