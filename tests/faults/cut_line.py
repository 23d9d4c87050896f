"""A way to a server that breaks at the worst moments."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass
class Break:
    """A moment at which a connection is cut, once.

    Attributes:
        upwards: on the way to the server, or to the client.
        when: told what has passed in this direction so far, and what is about to.
        then: called before the cut; what was about to pass is lost.
    """

    upwards: bool
    when: Callable[[int, bytes], bool]
    then: Callable[[], None] = lambda: None


class CutLine:
    """Passes connections on to another port of this machine, and cuts them as told."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._target = (address.hostname, address.port)
        self._breaks: list[Break] = []
        self._lock = threading.Lock()
        self.happened = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def expect(self, *breaks: Break) -> None:
        """Cut at each of these once, in whichever order they come."""
        with self._lock:
            self._breaks += breaks

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
        with client, suppress(OSError), socket.create_connection(self._target) as server:
            down = threading.Thread(target=self._pass_on, args=(server, client, False), daemon=True)
            down.start()
            self._pass_on(client, server, True)
            down.join()

    def _pass_on(self, source: socket.socket, target: socket.socket, upwards: bool) -> None:
        passed = 0
        with suppress(OSError):
            while piece := source.recv(1 << 16):
                if self._breaks_now(upwards, passed, piece):
                    break
                target.sendall(piece)
                passed += len(piece)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _breaks_now(self, upwards: bool, passed: int, piece: bytes) -> bool:
        with self._lock:
            due = [b for b in self._breaks if b.upwards is upwards and b.when(passed, piece)]
            if not due:
                return False
            self._breaks.remove(due[0])
            self.happened += 1
        due[0].then()
        return True
