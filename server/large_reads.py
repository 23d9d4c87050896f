"""Connections read in large blocks: each read has a price, whatever it brings."""

import asyncio
from typing import Any

from server.connections import PatientProtocol

_READ_BYTES = 1 << 20
_HEAD_BYTES = 64 << 10
"""Between bodies: a read may bring as many requests as fit, and each is kept until its turn."""
_BUFFER = "read_buffer"


class LargeReads(asyncio.BufferedProtocol):
    """Reads bodies into one buffer that all connections share, and hands on what came.

    By itself the event loop reads 250 kB at most, and copies them. What was read is parsed, and
    with that copied to where it belongs, before any connection reads again.

    Args:
        protocol: understands what is read.
        app_state: uvicorn's, one dictionary a server; keeps the buffer.
        others: what the protocol takes besides.
    """

    def __init__(
        self,
        protocol: type[PatientProtocol],
        *,
        app_state: dict[str, Any],
        **others: Any,  # noqa: ANN401 - uvicorn's own
    ) -> None:
        self._protocol = protocol(app_state=app_state, **others)
        buffer = app_state.get(_BUFFER)
        if buffer is None:
            buffer = app_state[_BUFFER] = memoryview(bytearray(_READ_BYTES))
        self._buffer: memoryview = buffer
        self.connection_lost = self._protocol.connection_lost
        self.eof_received = self._protocol.eof_received
        self.pause_writing = self._protocol.pause_writing
        self.resume_writing = self._protocol.resume_writing

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._protocol.connection_made(transport)  # pyright: ignore[reportArgumentType]

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer[:_HEAD_BYTES] if self._protocol.is_in_head else self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        self._protocol.data_received(self._buffer[:nbytes])  # pyright: ignore[reportArgumentType]
