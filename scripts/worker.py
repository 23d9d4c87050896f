"""`poselift worker`: one process per GPU slot, or on the CPU, kept alive until stopped."""

import argparse
import os
from dataclasses import replace
from pathlib import Path

from core.event_log.lines import LogFormat
from core.store.connection import connect
from scripts.child_lines import lines_of
from scripts.redis_address import without_secret
from scripts.slots import add_slot_arguments, slot_members
from scripts.stop_signals import stop_event
from worker.crew import Crew
from worker.settings import WorkerSettings

STOP_GRACE_S = 30.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `poselift worker`."""
    add_slot_arguments(parser)
    parser.add_argument(
        "--poses", action="store_true", help="one more slot, which answers POST /poses"
    )
    parser.add_argument(
        "--log-format",
        choices=[log_format.value for log_format in LogFormat],
        help="json for log collectors (default: POSELIFT_LOG_FORMAT, or text)",
    )
    parser.add_argument("--redis-url", help="default: POSELIFT_REDIS_URL, or a local Redis")
    parser.add_argument("--data-dir", type=Path, help="default: POSELIFT_DATA_DIR, or ./data")


def run(args: argparse.Namespace) -> int:
    """Start the slots, restart those that die, and stop them all on Ctrl-C or SIGTERM."""
    settings = WorkerSettings.read(
        redis_url=without_secret(args.redis_url), data_dir=args.data_dir, log_format=args.log_format
    )
    connect(settings.redis_url).close()  # an address that is none is said before models are loaded
    shared = {
        "POSELIFT_REDIS_URL": settings.redis_url,
        "POSELIFT_DATA_DIR": str(settings.data_dir),
        "POSELIFT_LOG_FORMAT": settings.log_format.value,
    }
    slots = slot_members(args, os.environ, poses=args.poses)
    members = [replace(slot, environment=shared | dict(slot.environment)) for slot in slots]
    with (
        stop_event() as stopping,
        Crew(members, tell=lines_of(settings.log_format), grace_s=STOP_GRACE_S) as crew,
    ):
        while not stopping.wait(0.2):
            crew.check()
    return 0
