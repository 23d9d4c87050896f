"""Runs the app on a port until a signal, and lets long answers end before it stops."""

from types import FrameType

import uvicorn

from server.app import create_app
from server.services import Draining
from server.settings import ServerSettings

_GRACE_S = 15


class _DrainingServer(uvicorn.Server):
    """Uvicorn waits for open answers; event streams and long polls must be told to end."""

    def __init__(self, config: uvicorn.Config, draining: Draining) -> None:
        super().__init__(config)
        self._draining = draining

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._draining.begin()
        super().handle_exit(sig, frame)


def serve(settings: ServerSettings, *, host: str, port: int, log_level: str = "info") -> None:
    """Serve until SIGINT or SIGTERM. Blocks; call it from the main thread."""
    draining = Draining()
    config = uvicorn.Config(
        create_app(settings, draining=draining),
        host=host,
        port=port,
        log_level=log_level.lower(),
        timeout_graceful_shutdown=_GRACE_S,
        server_header=False,
    )
    _DrainingServer(config, draining).run()
