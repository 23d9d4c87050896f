"""A way to Redis that loses replies."""

import socket
import threading
from contextlib import suppress
from pathlib import Path


class LosingProxy:
    """Passes bytes on to a Unix socket; after ``lose_next`` it cuts instead of answering, once."""

    def __init__(self, folder: Path, target: str) -> None:
        self._target = target
        self._losing = threading.Event()
        self.path = folder / "proxy.sock"
        self.lost = 0
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.path))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"unix://{self.path}"

    def lose_next(self) -> None:
        self._losing.set()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server, suppress(OSError):
            server.connect(self._target)
            asked = bytearray()
            # Both ways at once: requests and replies do not arrive in the pieces they were sent in.
            threading.Thread(target=_pass_on, args=(client, server, asked), daemon=True).start()
            while reply := server.recv(1 << 20):
                if self._losing.is_set() and b"EVALSHA" in asked and b"NOSCRIPT" not in reply:
                    self._losing.clear()
                    self.lost += 1
                    client.shutdown(socket.SHUT_RDWR)
                    return
                asked.clear()
                client.sendall(reply)


def _pass_on(client: socket.socket, server: socket.socket, asked: bytearray) -> None:
    with suppress(OSError):
        while request := client.recv(1 << 20):
            asked += request
            server.sendall(request)
        server.shutdown(socket.SHUT_WR)
