"""What is turned away before anything else is looked at: odd hosts, foreign pages, huge headers."""

from collections.abc import Sequence
from typing import Any

from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from core.errors import HeadersTooLarge, HostNotAllowed, LiftError, OriginNotAllowed
from server.addresses import comes_over_network, parse_address
from server.lingering import expect_body
from server.problems import described, respond

LARGEST_HEAD_BYTES = 32 << 10
"""Of a request's address and headers together."""

_CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class Gate:
    """Middleware that lets only plausible requests in.

    Args:
        app: what answers the others.
        hosts: names that the server goes by, ``*.example.org`` and ``*`` among them. Without any,
            who comes to a loopback address must call it by number or ``localhost``: a web page
            may have made a name of its own point here (DNS rebinding).
        origins: web pages that may change something here; the server's own always may.
    """

    def __init__(self, app: ASGIApp, *, hosts: Sequence[str], origins: Sequence[str]) -> None:
        self._app = app
        self._hosts = tuple(host.lower() for host in hosts)
        self._origins = tuple(origin.lower() for origin in origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        try:
            self._check(request)
        except LiftError as error:
            expect_body(request, unread=request.method in _CHANGING)
            await respond(request, error)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _check(self, request: Request) -> None:
        if _head_bytes(request.scope) > LARGEST_HEAD_BYTES:
            raise HeadersTooLarge(
                f"Address and headers of a request may have {LARGEST_HEAD_BYTES >> 10} KiB "
                "together. Send options as fields of the form."
            )
        if not self._is_our_name(request):
            raise HostNotAllowed(
                "The request is for a host that this server does not go by. Whoever runs it can "
                "add the name to POSELIFT_ALLOWED_HOSTS."
            )
        if request.method in _CHANGING and not self._may_change(request):
            raise OriginNotAllowed(
                "A web page of another site sent this. Whoever runs the server can add the site to "
                "POSELIFT_CORS_ORIGINS."
            )

    def _is_our_name(self, request: Request) -> bool:
        name = _without_port(request.headers.get("host", ""))
        is_local = not comes_over_network(request.scope)
        if is_local and _is_this_machine(name):
            return True  # health checks from within
        if self._hosts:
            return any(_matches(name, pattern) for pattern in self._hosts)
        came_by_wire = parse_address((request.scope.get("server") or ("", None))[0]) is not None
        return not (is_local and came_by_wire) or parse_address(name) is not None

    def _may_change(self, request: Request) -> bool:
        """Browsers name the page that sends; a key is no cookie, they cannot be made to send it."""
        origin = request.headers.get("origin")
        if origin is None or "authorization" in request.headers:
            return True
        allowed = origin.lower() in self._origins or "*" in self._origins
        return allowed or origin.lower().partition("://")[2] == request.headers.get("host")


def gate_errors(method: str) -> dict[str, dict[str, Any]]:
    """For the OpenAPI document: what the gate may answer to any request of this method."""
    kinds: list[type[LiftError]] = [HeadersTooLarge, HostNotAllowed]
    if method.upper() in _CHANGING:
        kinds.append(OriginNotAllowed)
    return {str(status): what for status, what in described(*kinds).items()}


def _head_bytes(scope: Scope) -> int:
    fields = sum(len(name) + len(value) + 4 for name, value in scope["headers"])
    return fields + len(scope.get("raw_path") or b"") + len(scope["query_string"])


def _without_port(host: str) -> str:
    name = host.lower()
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.partition(":")[0].rstrip(".")


def _is_this_machine(name: str) -> bool:
    address = parse_address(name)
    return name == "localhost" or (address is not None and address.is_loopback)


def _matches(name: str, pattern: str) -> bool:
    if pattern.startswith("*."):
        return name.endswith(pattern[1:])
    return pattern in ("*", name)
