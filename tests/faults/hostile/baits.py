"""A file and ports that nobody has any business with: who touches them was led astray."""

import os
import socket
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.faults.hostile.variant import Bait


class Baits:
    """Lies in wait until the block ends; a context manager.

    The file is a named pipe: opening it for reading is what lets its writer go on, so that no
    access goes unnoticed, whatever the file system keeps of access times.

    Args:
        folder: outside the data folder; made if missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._touches: set[str] = set()
        self._ending = threading.Event()

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._pipe = self._folder / "secret.mp4"
        os.mkfifo(self._pipe)
        self._tcp = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._tcp.getsockname()[1]
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(("127.0.0.1", self.port))
        self._threads = [
            threading.Thread(target=watch, daemon=True)
            for watch in (self._watch_file, self._watch_tcp, self._watch_udp)
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ending.set()
        os.close(os.open(self._pipe, os.O_RDONLY | os.O_NONBLOCK))
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), 5).close()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"end", ("127.0.0.1", self.port))
        for thread in self._threads:
            thread.join(10)
        self._tcp.close()
        self._udp.close()
        self._pipe.unlink()

    @property
    def bait(self) -> Bait:
        """What hostile files are to be filled with."""
        return Bait(
            file=self._pipe,
            url=f"http://127.0.0.1:{self.port}",
            port=self.port,
            touched=self._folder / "touched",
        )

    @property
    def taken(self) -> list[str]:
        """What was touched so far, each once; nothing, if all is well."""
        return [*sorted(self._touches), *(["made a file"] if self.bait.touched.exists() else [])]

    def _watch_file(self) -> None:
        while True:
            os.close(os.open(self._pipe, os.O_WRONLY))  # waits until somebody opens it to read
            if self._ending.is_set():
                return
            # As long as that reader keeps it open, the next round finds the same one.
            self._touches.add("opened the file")

    def _watch_tcp(self) -> None:
        while True:
            connection, _ = self._tcp.accept()
            connection.close()
            if self._ending.is_set():
                return
            self._touches.add("connected to the port")

    def _watch_udp(self) -> None:
        while True:
            self._udp.recvfrom(64)
            if self._ending.is_set():
                return
            self._touches.add("sent a datagram")
