"""Servers and clients for tests of what goes wrong between them."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPResponse
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from scripts.ports import claim_port
from server.settings import ServerSettings
from tests.integration.stack import Running, answers
from tests.server.clips import MP4
from tests.server.running import RunningServer


def settings_for(redis_url: str, folder: Path, **changes: Any) -> ServerSettings:
    """Of a server that keeps everything in ``folder``, and leaves the disk to others."""
    usual = {"disk_reserve_bytes": 0, "retention_s": 600.0, "upload_limit_bytes": 64 << 20}
    return ServerSettings(redis_url=redis_url, data_dir=folder, **(usual | changes))


@contextmanager
def served(settings: ServerSettings) -> Iterator[RunningServer]:
    """A server in a thread."""
    server = RunningServer(settings)
    try:
        yield server
    finally:
        server.stop()


class ServerProcess:
    """`poselift serve`, in a process that a test may kill and start again on the same port."""

    def __init__(self, folder: Path, redis_url: str, **environment: object) -> None:
        self._folder = folder
        self._environment = {
            "POSELIFT_REDIS_URL": redis_url,
            "POSELIFT_DATA_DIR": folder / "data",
            "POSELIFT_DISK_RESERVE_BYTES": 0,
            **environment,
        }
        self._starts = 0
        self._port = claim_port("127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._port}"
        self.data_dir = folder / "data"
        self.running = self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        status = self.running.stop()
        assert kind is not None or status == 0, self.running.said

    def kill(self) -> None:
        """As `kill -9` does, or the machine when its memory runs out."""
        self.running.process.kill()
        self.running.process.wait()

    def start_again(self) -> None:
        self.running = self._start()

    def _start(self) -> Running:
        self._starts += 1
        log = self._folder / f"server-{self._starts}.log"
        arguments = ("serve", "--port", self._port)
        running = Running.start(log, *arguments, **self._environment)
        running.wait_until(lambda: answers(self.url))
        return running


class Wire:
    """A client that says what it likes when it likes, as a context manager."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self.socket = socket.create_connection((address.hostname, address.port), timeout=60)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.socket.close()

    def begin(self, size_bytes: int | None, content: bytes = MP4[:100], **headers: str) -> Self:
        """Announce an upload, and send some of it; without a size it comes in chunks."""
        length = (
            "Transfer-Encoding: chunked" if size_bytes is None else f"Content-Length: {size_bytes}"
        )
        more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        self.socket.sendall(
            f"POST /jobs HTTP/1.1\r\nHost: 127.0.0.1\r\n{length}\r\n{more}\r\n".encode()
        )
        if size_bytes is None:
            self.send_chunk(content)
        else:
            self.send(content)
        return self

    def send(self, content: bytes) -> None:
        self.socket.sendall(content)

    def send_chunk(self, content: bytes) -> None:
        self.socket.sendall(b"%x\r\n%s\r\n" % (len(content), content))

    def answer(self) -> tuple[int, dict[str, Any], HTTPResponse]:
        """Status, JSON body and the rest; waits for it."""
        response = HTTPResponse(self.socket)
        response.begin()
        return response.status, json.loads(response.read()), response


def uploads_in(folder: Path) -> list[str]:
    """The job ids of finished uploads."""
    return sorted(path.name for path in (folder / "blobs" / "uploads").glob("*"))


def partials_in(folder: Path) -> list[Path]:
    """Files under way."""
    return list((folder / "blobs" / "partial").glob("*"))
