"""Headers of every answer, refusals too: what browsers may do with it, and what routes add."""

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ADDED = "poselift.answer_headers"

SAFE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Answers are for programs: a browser that shows one runs and loads nothing.
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    # What jobs are about is private, and out of date at once.
    "Cache-Control": "no-store",
}
"""Unless an answer says otherwise. Source: OWASP's REST Security Cheat Sheet."""


def add_to_answer(request: Request, headers: dict[str, str]) -> None:
    """Have these headers sent with whatever the answer will be; of one name, both."""
    added: dict[str, str] = request.scope.setdefault(_ADDED, {})
    for name, value in headers.items():
        added[name] = f"{added[name]}, {value}" if name in added else value


class AnswerHeaders:
    """Middleware that completes the headers of every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def complete(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SAFE_HEADERS.items():
                    headers.setdefault(name, value)
                for name, value in scope.get(_ADDED, {}).items():
                    headers[name] = value
            await send(message)

        await self._app(scope, receive, complete)
