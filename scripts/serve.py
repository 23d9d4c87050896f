"""`poselift serve`: the HTTP API alone."""

import argparse
import os
import sys
from pathlib import Path

from worker.leash import follow_parent


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
    parser.add_argument(
        "--log-format",
        choices=["text", "json"],
        help="json for log collectors (default: POSELIFT_LOG_FORMAT, or text)",
    )
    parser.add_argument(
        "--insecure",
        action="store_true",
        help="let other machines in though there are no API keys (default: POSELIFT_INSECURE)",
    )
    parser.add_argument("--redis-url", help="default: POSELIFT_REDIS_URL, or a local Redis")
    parser.add_argument("--data-dir", type=Path, help="default: POSELIFT_DATA_DIR, or ./data")


def run(args: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM."""
    from core.event_log.lines import LogFormat
    from core.store.connection import connect
    from scripts.ports import claim_port
    from scripts.redis_address import without_secret
    from server.exposure import check_exposure
    from server.serving import serve
    from server.settings import ServerSettings

    follow_parent()
    settings = ServerSettings.read(
        redis_url=without_secret(args.redis_url),
        data_dir=args.data_dir,
        log_format=args.log_format,
        insecure=args.insecure or None,
    )
    connect(settings.redis_url).close()  # an address that is none is said here, not by a traceback
    exposure = check_exposure(settings.redis_url, host=args.host, insecure=settings.insecure)
    port = claim_port(args.host, args.port)
    if args.log_level in ("debug", "info") and settings.log_format is LogFormat.TEXT:
        sys.stderr.write(f"{exposure.value}\n")
    if args.workers > 1:
        # Each process finds out by itself where things are.
        os.environ["POSELIFT_REDIS_URL"] = settings.redis_url
        os.environ["POSELIFT_DATA_DIR"] = str(settings.data_dir)
        os.environ["POSELIFT_INSECURE"] = str(int(settings.insecure))
        os.environ["POSELIFT_LOG_FORMAT"] = settings.log_format.value
    serve(settings, host=args.host, port=port, log_level=args.log_level, processes=args.workers)
    return 0
