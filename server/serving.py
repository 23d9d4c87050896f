"""Runs the app on a port until a signal, and lets long answers end before it stops."""

import gc
import multiprocessing
import os
import signal
import threading
from functools import partial
from multiprocessing.process import BaseProcess
from types import FrameType

import uvicorn
from fastapi import FastAPI

from server.app import create_app
from server.connections import PatientProtocol
from server.large_reads import LargeReads
from server.logs import server_logging
from server.open_files import allow_open_files
from server.services import Draining
from server.settings import ServerSettings

_GRACE_S = 15
_SIGN_OF_LIFE_S = 60
"""One of several processes that is silent for so long is replaced. Loading all code on a busy
machine takes longer than uvicorn's own 5 s, and who is ended for that only has to start again."""


def serve(
    settings: ServerSettings, *, host: str, port: int, log_level: str = "info", processes: int = 1
) -> None:
    """Serve until SIGINT or SIGTERM. Blocks; call it from the main thread.

    Args:
        settings: of the one process; several read theirs from the environment.
        host: address to listen on.
        port: port to listen on.
        log_level: uvicorn's.
        processes: how many share the port.
    """
    allow_open_files(settings.max_uploads)
    uvicorn.run(
        f"{__name__}:app" if processes > 1 else partial(_draining_app, settings),
        factory=True,
        workers=processes,
        # Not a class, but all that uvicorn does is to call it.
        http=partial(LargeReads, PatientProtocol),  # pyright: ignore[reportArgumentType]
        host=host,
        port=port,
        log_level=log_level.lower(),
        log_config=server_logging(settings.log_format, level=log_level),
        access_log=False,  # requests are logged with route, job and problem code instead
        timeout_graceful_shutdown=_GRACE_S,
        timeout_worker_healthcheck=_SIGN_OF_LIFE_S,
        server_header=False,
    )


def app() -> FastAPI:
    """The API with settings from the environment, for servers that make the app themselves."""
    made = _draining_app(ServerSettings.read())
    supervisor = multiprocessing.parent_process()
    if supervisor is not None:
        threading.Thread(target=_stop_after, args=(supervisor,), daemon=True).start()
    return made


def _stop_after(supervisor: BaseProcess) -> None:
    """Who is killed stops nobody: its servers would keep the port, and nobody would mind them."""
    supervisor.join()
    os.kill(os.getpid(), signal.SIGTERM)


def _draining_app(settings: ServerSettings) -> FastAPI:
    """The server waits for open answers: event streams and long polls must be told to end.

    It makes the app once its signal handlers are there; ours go before them.
    """
    draining = Draining()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, partial(_on_signal, draining, signal.getsignal(number)))
    made = create_app(settings, draining=draining)
    _keep_for_good()
    return made


def _keep_for_good() -> None:
    """All code is loaded, and stays: nobody is answered while it is searched for garbage."""
    gc.collect()
    gc.freeze()


def _on_signal(
    draining: Draining, servers_own: object, number: int, frame: FrameType | None
) -> None:
    draining.begin()
    if callable(servers_own):
        servers_own(number, frame)
