"""Connections that get nowhere are ended, before they are requests and while they are answered."""

import asyncio
from asyncio.events import TimerHandle
from typing import Any

from server.bounded_head import BoundedHeadProtocol

HEAD_S = 15.0
"""A request's first line and headers must come in this time."""
UNREAD_S = 120.0
"""A client that reads nothing of its answer for so long is gone."""

_TOO_SLOW = (
    b'{"type":"urn:poselift:problem:request_timeout","title":"Request Timeout","status":408,'
    b'"detail":"The request did not come in time. Send it again.","code":"request_timeout",'
    b'"instance":"","retriable":true}'
)
_ANSWER = (
    b"HTTP/1.1 408 Request Timeout\r\nContent-Type: application/problem+json\r\n"
    b"Content-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(_TOO_SLOW), _TOO_SLOW)
)


class PatientProtocol(BoundedHeadProtocol):
    """uvicorn's protocol with bounded headers, and with an end to its patience.

    By itself it waits for ever for a request's headers, and for a client to read on: a few hundred
    sockets that send a byte a minute would use up all that a process may open. Bodies have a pace
    of their own, see ``pace.py``.
    """

    head_s = HEAD_S
    unread_s = UNREAD_S

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - uvicorn's own
        super().__init__(*args, **kwargs)
        self._head_timer: TimerHandle | None = None
        self._unread_timer: TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Uvicorn's; the clock for the first request starts, whether a byte comes or not."""
        super().connection_made(transport)
        self._await_head()

    def on_message_begin(self) -> None:
        """Uvicorn's; a kept connection begins its next request."""
        super().on_message_begin()
        if self._head_timer is None:
            self._await_head()

    def on_headers_complete(self) -> None:
        """Uvicorn's; the request goes to the app."""
        self._head_timer = _stopped(self._head_timer)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Uvicorn's; what the app takes before more comes, as with a large upload, is not copied.

        It collects in a bytearray and takes the bytes out of it. Bytes that are added to none, and
        bytes made of bytes, stay what they are.
        """
        collected = self.cycle.body
        if not collected:
            self.cycle.body = b""  # pyright: ignore[reportAttributeAccessIssue]
        elif isinstance(collected, bytes):
            self.cycle.body = bytearray(collected)
        super().on_body(body)

    def pause_writing(self) -> None:
        """Uvicorn's; the client reads slower than we send."""
        super().pause_writing()
        self._unread_timer = self.loop.call_later(self.unread_s, self.transport.abort)

    def resume_writing(self) -> None:
        """Uvicorn's; the client has read on."""
        self._unread_timer = _stopped(self._unread_timer)
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Uvicorn's; nothing is waited for any more."""
        self._head_timer = _stopped(self._head_timer)
        self._unread_timer = _stopped(self._unread_timer)
        super().connection_lost(exc)

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(self.head_s, self._give_up)

    def _give_up(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(_ANSWER)
            self.transport.close()


def _stopped(timer: TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
