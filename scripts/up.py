"""`poselift up`: everything on this machine, until Ctrl-C."""

import argparse
import os
import sys
from pathlib import Path

from scripts.child_lines import ChildLines
from scripts.deployment import Deployment, Site
from scripts.ports import claim_port
from scripts.slots import add_slot_arguments, slot_members
from scripts.stop_signals import stop_event


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
    add_slot_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Start everything, say where it is, and stop all of it on Ctrl-C or SIGTERM."""
    site = Site(
        host=args.host,
        port=claim_port(args.host, args.port),
        data_dir=args.data_dir or _default_folder(),
        redis_url=args.redis_url or os.environ.get("POSELIFT_REDIS_URL"),
    )
    slots = slot_members(args, os.environ, poses=True)
    tell = ChildLines()
    with stop_event() as stopping:
        tell("up", f"starting {len(slots)} worker slots; files are in {site.data_dir}")
        with Deployment(site, slots, tell=tell, stop_early=stopping.is_set) as deployment:
            sys.stdout.write(
                f"\nPoseLift is ready at {site.url}\n"
                f"  try it     curl -F file=@clip.mp4 {site.url}/jobs\n"
                f"  the API    {site.url}/docs\n"
                "  Ctrl-C stops everything; jobs under way go on at the next start.\n\n"
            )
            sys.stdout.flush()
            while not stopping.wait(0.2):
                deployment.check()
            tell("up", "stopping; running jobs are put back into the queue")
    tell("up", "stopped")
    return 0


def _default_folder() -> Path:
    """Not the current folder: the jobs of yesterday should be there wherever we start today."""
    named = os.environ.get("POSELIFT_DATA_DIR")
    if named:
        return Path(named)
    home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(home) / "poselift"
