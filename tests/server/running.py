"""A real server on a free port, in a thread."""

import threading
import time
from functools import partial

import uvicorn
from fastapi import FastAPI

from server.app import create_app
from server.connections import PatientProtocol
from server.large_reads import LargeReads
from server.services import Draining
from server.settings import ServerSettings


class RunningServer:
    def __init__(
        self,
        settings: ServerSettings,
        protocol: type[PatientProtocol] = PatientProtocol,
        app: FastAPI | None = None,
    ) -> None:
        self.draining = Draining()
        config = uvicorn.Config(
            app or create_app(settings, draining=self.draining),
            host="127.0.0.1",
            port=0,
            http=partial(LargeReads, protocol),  # pyright: ignore[reportArgumentType]
            log_level="warning",
            timeout_graceful_shutdown=5,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive(), "the server did not start"
            time.sleep(0.005)
        self.port: int = self._server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        self.draining.begin()
        self._server.should_exit = True
        self._thread.join(timeout=60)
        assert not self._thread.is_alive(), "the server did not stop"
