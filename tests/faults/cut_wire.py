"""A way to Redis that can be cut, between any two messages."""

import re
import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import Literal

Moment = Literal["before", "after"]
_COMMAND = re.compile(rb"(?:\A|\r\n)\*\d+\r\n")


class CutWire:
    """Passes bytes on to a Unix socket, until it is cut; nobody gets through before ``mend``.

    Subscriptions are passed on uncounted: they say nothing by themselves.
    """

    def __init__(self, folder: Path, target: str) -> None:
        self._target = target
        self._lock = threading.Lock()
        self._left: int | None = None
        self._moment: Moment = "before"
        self._is_cut = False
        self._refusal = b""
        self._ends: set[socket.socket] = set()
        self.path = folder / "wire.sock"
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.path))
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"unix://{self.path}"

    def cut_at(self, number: int, moment: Moment) -> None:
        """Let so many requests pass; cut before the next one arrives, or before its reply does."""
        with self._lock:
            self._left, self._moment = number, moment

    def cut(self) -> None:
        """Now."""
        with self._lock:
            self._left, self._is_cut = None, True
            for end in self._ends:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def refuse(self, reply: bytes) -> None:
        """Pass nothing on, and answer this to every command."""
        self._refusal = reply

    def mend(self) -> None:
        with self._lock:
            self._left, self._is_cut, self._refusal = None, False, b""

    def close(self) -> None:
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server, suppress(OSError):
            with self._lock:
                if self._is_cut:
                    return
                self._ends |= {client, server}
            server.connect(self._target)
            threading.Thread(target=self._pass_replies, args=(server, client), daemon=True).start()
            while request := client.recv(1 << 20):
                if self._refusal:
                    client.sendall(self._refusal * len(_COMMAND.findall(request)))
                    continue
                is_last = self._counts_down(request)
                if is_last and self._moment == "before":
                    self.cut()
                    return
                server.sendall(request)
        with self._lock:
            self._ends -= {client, server}

    def _counts_down(self, request: bytes) -> bool:
        with self._lock:
            if self._left is None or b"SUBSCRIBE" in request:
                return False
            self._left -= 1
            return self._left < 0

    def _pass_replies(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while reply := server.recv(1 << 20):
                if self._left is not None and self._left < 0:
                    self.cut()
                    return
                client.sendall(reply)
            client.shutdown(socket.SHUT_RDWR)
