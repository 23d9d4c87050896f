"""``python -m benchmarks soak``: what the service promises, tried for a quarter of an hour.

Redis, servers and workers are the real ones, in processes that get killed, cut off and overfed;
only the 2D networks are stand-ins. Every promise is tried by itself, in a process of its own, for
its share of the time: what stops one is a line in its row, and the next goes on. Ctrl-C prints what
there is. A run of all promises is written to ``soak.md`` and ``soak.json`` in this folder.
"""

import argparse
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.soak_cancels import cancels
from benchmarks.soak_disk import full_disks
from benchmarks.soak_holding import ctrl_c, hold
from benchmarks.soak_hostile import hostile_sample
from benchmarks.soak_kills import JOBS, KILLS, random_kills
from benchmarks.soak_memory import MANY, steady_memory
from benchmarks.soak_outcome import Outcome
from benchmarks.soak_overload import overload
from benchmarks.soak_poison import poison
from benchmarks.soak_promise import Promise
from benchmarks.soak_redis import redis_away
from benchmarks.soak_report import COLUMNS, circumstances, remarks, row, write
from benchmarks.soak_retention import retention
from benchmarks.soak_shutdown import shutdowns
from benchmarks.soak_time import share_s
from benchmarks.soak_webhooks import webhooks

FOLDER = Path(__file__).parent
MINUTES = 15.0
SEED = 20261121
STATUS_INTERRUPTED = 130

PROMISES = (
    Promise("kills", f"{KILLS} kills -9 over {JOBS} jobs", random_kills, 270, KILLS),
    Promise("redis", "Redis killed and cut off under load", redis_away, 90),
    Promise("disk", "Full disk, of the server and of the worker", full_disks, 40),
    Promise("cancels", "Cancels in every state", cancels, 60),
    Promise("overload", "500 slow uploads at once", overload, 60),
    Promise("shutdown", "Workers and servers told to stop", shutdowns, 80),
    Promise("poison", "Jobs that kill their workers", poison, 50),
    Promise("hostile", "Hostile files, a sample", hostile_sample, 70),
    Promise("retention", "Expiry through killed servers", retention, 50),
    Promise("memory", f"Memory over {MANY} short jobs", steady_memory, 130, MANY),
    Promise("webhooks", "Webhooks through killed servers", webhooks, 120),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Try the promises and print the table.

    Returns:
        0 if all were kept, 1 if not, 130 after a Ctrl-C.
    """
    args = _arguments(argv)
    console = Console(soft_wrap=True, highlight=False)
    chosen = [one for one in PROMISES if not args.only or one.name in args.only]
    where = circumstances(args.minutes, args.seed, FOLDER)
    with ctrl_c() as interrupted:
        outcomes = _hold_all(chosen, args.minutes * 60, args.seed, console, interrupted)
        _print(console, outcomes)
    if interrupted.is_set():
        return STATUS_INTERRUPTED
    if len(outcomes) == len(PROMISES):
        write(args.out, where, outcomes)
        console.print(f"Written to {args.out / 'soak.md'} and .json")
    return 0 if all(outcome.is_kept for outcome in outcomes) else 1


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    names = [promise.name for promise in PROMISES]
    parser = argparse.ArgumentParser(prog="python -m benchmarks soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=MINUTES, help="in all (default: 15)")
    parser.add_argument(
        "--only", action="append", choices=names, metavar="NAME", help=f"one of {', '.join(names)}"
    )
    parser.add_argument("--seed", type=int, default=SEED, help="of the dice (default: %(default)s)")
    parser.add_argument("-o", "--out", type=Path, default=FOLDER, help="folder of the report")
    return parser.parse_args(argv)


def _hold_all(
    promises: Sequence[Promise],
    seconds: float,
    seed: int,
    console: Console,
    interrupted: threading.Event,
) -> list[Outcome]:
    ends_s = time.monotonic() + seconds
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory(prefix="soak-", ignore_cleanup_errors=True) as folder:
        for number, promise in enumerate(promises):
            if interrupted.is_set():
                break
            share = share_s(promises[number:], ends_s - time.monotonic())
            console.print(f"[bold]{promise.what}[/]: {share:.0f} s", end="")
            outcome = hold(promise, Path(folder) / promise.name, seed, share, interrupted)
            outcomes.append(outcome)
            took = f"{outcome.times} trials in {outcome.seconds:.0f} s"
            console.print(f", {took}, {outcome.verdict}")
    return outcomes


def _print(console: Console, outcomes: Sequence[Outcome]) -> None:
    table = Table(*COLUMNS)
    for outcome in outcomes:
        table.add_row(*row(outcome))
    console.print(table)
    for remark in remarks(outcomes):
        console.print(remark, markup=False)


if __name__ == "__main__":
    sys.exit(main())
