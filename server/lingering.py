"""Refusing an upload in mid-stream so that the client gets to read why."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from fastapi import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from server.pace import Pace

_TOTAL_S = 10.0
_SILENCE_S = 2.0


def expect_body(request: Request, *, unread: bool, pace: Pace | None = None) -> None:
    """Note whether the client may still be sending, for whoever answers the request.

    Args:
        request: whose body.
        unread: whether it may.
        pace: how fast it must send.
    """
    request.state.has_unread_body = unread
    request.state.body_pace = pace


def has_unread_body(request: Request) -> bool:
    """Whether an upload was refused before its end."""
    return getattr(request.state, "has_unread_body", False)


async def read_body(request: Request) -> AsyncIterator[bytes]:
    """The body as it arrives, noting when all of it has.

    Raises:
        UploadTooSlow: it comes slower than it was expected to.
    """
    pace: Pace | None = getattr(request.state, "body_pace", None)
    bits = request.stream()
    async for bit in bits if pace is None else pace.kept(bits):
        yield bit
    expect_body(request, unread=False)


class LingeringResponse(JSONResponse):
    """Answers at once, then reads on for a while before the connection is closed.

    Closing a socket that holds unread data resets the connection, and a reset may wipe out an
    answer that the client has not read yet: it would see "connection reset" instead of "too large".

    Source: RFC 9112, section 9.6.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.headers["Connection"] = "close"
        start = {
            "type": "http.response.start",
            "status": self.status_code,
            "headers": self.raw_headers,
        }
        await send(start)
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        with suppress(TimeoutError):
            async with asyncio.timeout(_TOTAL_S):
                await _discard(receive)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _discard(receive: Receive) -> None:
    while True:
        async with asyncio.timeout(_SILENCE_S):
            message = await receive()
        if message["type"] != "http.request" or not message.get("more_body", False):
            return
