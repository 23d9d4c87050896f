"""`poselift serve`: the HTTP API alone."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from worker.leash import follow_parent

if TYPE_CHECKING:
    from fastapi import FastAPI


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `poselift serve`."""
    parser.add_argument("--host", default="127.0.0.1", help="address (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8000, help="port (default: %(default)s)")
    parser.add_argument(
        "--workers", type=int, default=1, help="processes that share the port (default: 1)"
    )
    parser.add_argument(
        "--log-level",
        choices=["debug", "info", "warning", "error"],
        default="info",
        help="info lists every request (default: info)",
    )
    parser.add_argument("--redis-url", help="default: POSELIFT_REDIS_URL, or a local Redis")
    parser.add_argument("--data-dir", type=Path, help="default: POSELIFT_DATA_DIR, or ./data")


def run(args: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM."""
    from scripts.ports import claim_port
    from server.serving import serve
    from server.settings import ServerSettings

    follow_parent()
    settings = ServerSettings.read(redis_url=args.redis_url, data_dir=args.data_dir)
    port = claim_port(args.host, args.port)
    if args.workers > 1:
        # Each process makes its own app, and finds out by itself where things are.
        os.environ["POSELIFT_REDIS_URL"] = settings.redis_url
        os.environ["POSELIFT_DATA_DIR"] = str(settings.data_dir)
        _serve_from_many(args.host, port, args.workers, args.log_level)
    else:
        serve(settings, host=args.host, port=port, log_level=args.log_level)
    return 0


def app() -> "FastAPI":
    """The API, with settings from the environment: for servers that make the app themselves."""
    from server.app import create_app
    from server.settings import ServerSettings

    return create_app(ServerSettings.read())


def _serve_from_many(host: str, port: int, workers: int, log_level: str) -> None:
    import uvicorn

    uvicorn.run(
        "scripts.serve:app",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        log_level=log_level,
        timeout_graceful_shutdown=15,
        server_header=False,
    )
