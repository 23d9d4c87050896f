"""``python -m benchmarks hostile``: over a thousand hostile files through the real API.

Redis, the API and one slot run as they do in service, the decoder's box included; only the 2D
networks are stand-ins, because decoding is what is attacked. Files are made from a seed one by one,
sent, waited for and removed. The table goes to ``docs/hostile-files.md``.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.hostile_report import COLUMNS, Report, Tally, findings, page, rows
from tests.faults.hostile.arena import Arena
from tests.faults.hostile.corpus import LONG, SEED, SHORT, HostileFile, hostile_file, hostile_files
from tests.faults.hostile.openings import can_trace

PAGE = Path(__file__).parents[1] / "docs" / "hostile-files.md"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the corpus and print the table.

    Returns:
        0 if every file ended in success or a code, nobody died and nothing else was opened.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks hostile", description=__doc__)
    parser.add_argument("--short", action="store_true", help="only the first files of each family")
    parser.add_argument("--seed", type=int, default=SEED, help="of the dice (default: %(default)s)")
    parser.add_argument("--timeout", type=float, default=20.0, metavar="S", help="for each file")
    parser.add_argument("--write", action="store_true", help=f"put the table into {PAGE.name}")
    parser.add_argument(
        "labels", nargs="*", metavar="FILE", help="only these, such as 'bit flips/17'"
    )
    args = parser.parse_args(argv)
    console = Console()
    with tempfile.TemporaryDirectory() as folder, Arena(
        Path(folder), job_timeout_s=args.timeout
    ) as arena:  # fmt: skip
        report = _run(arena, _files(arena, args), console)
    _print(console, report)
    if args.write:
        PAGE.write_text(page(report, args.seed, args.timeout))
    return 0 if report.is_good else 1


def _files(arena: Arena, args: argparse.Namespace) -> Iterator[HostileFile]:
    if args.labels:
        return (hostile_file(arena.material, label, args.seed) for label in args.labels)
    return hostile_files(arena.material, SHORT if args.short else LONG, args.seed)


def _run(arena: Arena, files: Iterator[HostileFile], console: Console) -> Report:
    arena.warm_up(rounds=2)
    before, started_s = arena.rss_bytes(), time.time()
    tallies: dict[str, Tally] = {}
    with _progress(console) as say:
        for number, file in enumerate(files):
            say(f"{number} {file.label}: {file.variant.what[:60]}")
            dead = len(arena.deaths)
            with arena.peak_bytes() as peak:
                verdict = arena.judge(file)
            tally = tallies.setdefault(file.family, Tally())
            tally.add(verdict, len(arena.deaths) - dead, peak[0])
            if verdict.problem:
                console.print(f"[red]{file.label}[/] {file.variant.what}: {verdict.problem}")
    arena.warm_up()
    openings = arena.openings(started_s) if can_trace() else None
    return Report(tallies, before, arena.rss_bytes(), openings, arena.baits_taken)


@contextmanager
def _progress(console: Console) -> Iterator[Callable[[str], None]]:
    with console.status("") as status:
        yield status.update


def _print(console: Console, report: Report) -> None:
    table = Table(*COLUMNS)
    for row in rows(report):
        table.add_row(*row)
    console.print(table)
    for line in findings(report):
        console.print(line, soft_wrap=True)
