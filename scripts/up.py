"""`poselift up`: everything on this machine, until Ctrl-C."""

import argparse
import os
import sys
from pathlib import Path

from core.event_log.lines import LogFormat
from scripts.child_lines import lines_of
from scripts.data_folder import default_folder
from scripts.deployment import Deployment, Site
from scripts.ports import claim_port
from scripts.redis_address import without_secret
from scripts.slots import add_slot_arguments, slot_members
from scripts.stop_signals import stop_event
from server.exposure import Exposure
from server.settings import ServerSettings
from worker.settings import WorkerSettings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `poselift up`."""
    parser.add_argument("--host", default="127.0.0.1", help="address (default: %(default)s)")
    parser.add_argument(
        "--port", type=int, default=8000, help="port of the API; 0 finds one (default: 8000)"
    )
    parser.add_argument(
        "--redis-url", help="use this Redis, not one of our own (default: POSELIFT_REDIS_URL)"
    )
    parser.add_argument(
        "--data-dir",
        type=Path,
        help="where jobs and files are kept (default: POSELIFT_DATA_DIR, or "
        "~/.local/share/poselift)",
    )
    parser.add_argument(
        "--insecure",
        action="store_true",
        help="let other machines in though there are no API keys (default: POSELIFT_INSECURE)",
    )
    add_slot_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Start everything, say where it is, and stop all of it on Ctrl-C or SIGTERM."""
    site = Site(
        host=args.host,
        port=claim_port(args.host, args.port),
        data_dir=args.data_dir or default_folder(),
        redis_url=without_secret(args.redis_url) or os.environ.get("POSELIFT_REDIS_URL"),
        insecure=ServerSettings.read(insecure=args.insecure or None).insecure,
    )
    slots = slot_members(args, os.environ, poses=True)
    log_format = WorkerSettings.read().log_format
    tell = lines_of(log_format)
    with stop_event() as stopping:
        tell("up", f"starting {len(slots)} worker slots; files are in {site.data_dir}")
        with Deployment(site, slots, tell=tell, stop_early=stopping.is_set) as deployment:
            if log_format is LogFormat.JSON:
                tell("up", f"PoseLift is ready at {site.url}")
            else:
                _greet(site.url, deployment.exposure)
            while not stopping.wait(0.2):
                deployment.check()
            tell("up", "stopping; running jobs are put back into the queue")
    tell("up", "stopped")
    return 0


def _greet(url: str, exposure: Exposure) -> None:
    key = ' -H "Authorization: Bearer $POSELIFT_API_KEY"' if exposure is Exposure.CLOSED else ""
    sys.stdout.write(
        f"\nPoseLift is ready at {url}\n"
        f"  {exposure.value}\n"
        f"  try it     curl{key} -F file=@clip.mp4 {url}/jobs\n"
        f"  the API    {url}/docs\n"
        "  Ctrl-C stops everything; jobs under way go on at the next start.\n\n"
    )
    sys.stdout.flush()
