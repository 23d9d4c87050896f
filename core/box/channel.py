"""Messages between a box and whoever waits for it: JSON with its length in front, and no pickle."""

import json
import select
import socket
import struct
from collections.abc import Mapping
from time import monotonic
from typing import Any

_LENGTH = struct.Struct("!I")
_MOST_BYTES = 1 << 16
_READ_BYTES = 1 << 16

Message = dict[str, Any]


class Nonsense(Exception):
    """The other side said something that it never would, had nobody tampered with it."""


class Channel:
    """One end of a connected pair of sockets.

    Args:
        connection: closed with the channel.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._received = bytearray()
        self._poll = select.poll()
        self._poll.register(connection, select.POLLIN)

    def send(self, message: Mapping[str, object]) -> None:
        """Send one message, waiting as long as the other side reads nothing.

        Raises:
            OSError: nobody is there any more.
        """
        content = json.dumps(message, separators=(",", ":")).encode()
        self._socket.sendall(_LENGTH.pack(len(content)) + content)

    def receive(self, timeout_s: float | None = None) -> Message | None:
        """The next message; ``None`` if none came in time.

        Raises:
            EOFError: the other side is gone.
            Nonsense: this is no message.
        """
        until = None if timeout_s is None else monotonic() + timeout_s
        while (message := self._take()) is None:
            left_s = None if until is None else until - monotonic()
            # A signal handler may have run for long: what has come by now still counts.
            if not self._poll.poll(None if left_s is None else max(0.0, 1000 * left_s)):
                return None
            self._read()
        return message

    def send_file(self, descriptor: int) -> None:
        """Hand over an open file."""
        socket.send_fds(self._socket, [b"\0"], [descriptor])

    def receive_file(self) -> int:
        """Wait for an open file.

        Raises:
            EOFError: the other side is gone.
        """
        _, descriptors, _, _ = socket.recv_fds(self._socket, 1, 1)
        if not descriptors:
            raise EOFError
        return descriptors[0]

    def close(self) -> None:
        self._socket.close()

    def _read(self) -> None:
        try:
            content = self._socket.recv(_READ_BYTES)
        except ConnectionError:
            content = b""
        if not content:
            raise EOFError
        self._received += content

    def _take(self) -> Message | None:
        if len(self._received) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(self._received)
        if length > _MOST_BYTES:
            raise Nonsense(f"a message of {length} bytes")
        end = _LENGTH.size + length
        if len(self._received) < end:
            return None
        content = bytes(self._received[_LENGTH.size : end])
        del self._received[:end]
        return _parsed(content)


def _parsed(content: bytes) -> Message:
    try:
        message = json.loads(content)
    except (ValueError, RecursionError) as error:  # not UTF-8, not JSON, or brackets without end
        raise Nonsense("a message that is no JSON") from error
    if not isinstance(message, dict):
        raise Nonsense("a message without names")
    return message
