"""``python -m benchmarks [NAME...]``: run, compare with the baseline, write the new one."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module

from rich.console import Console
from rich.table import Table

from benchmarks.measurement import Measurement, committed_ratios, save

BENCHMARKS = {
    "memory": "peak memory of lifting as the video gets longer and people more",
    "decoder_box": "decoding in a process with limits, against decoding in this one",
    "end_to_end": "lifting a video, against the obvious loop and the machine's limit",
    "tracking_agreement": "our 2D against MediaPipe's VIDEO mode, beside that mode's own noise",
    "server": "the API: a large upload, polling with one process and two, 1,000 waiting jobs",
    "scaling": "short jobs a minute through 1, 2 and 4 worker slots",
}
"""Name of each benchmark (and of its module here), and what it measures."""

STUDIES = {
    "detector-noise": "how wrong the 2D detector and its own 3D are, on videos of your own",
    "weight-sharing": "error and cost of the lifter's graph choices, trained on motion of yours",
    "hostile": "over a thousand hostile files through the API: what becomes of them",
    "graph-memory": "memory of sparse, dense and fully connected message passing",
    "lenses": "what telling the lens is worth, by lens, on motion of yours",
    "lifter": "time and memory of our lifters beside two published kinds",
    "soak": "what the service promises, tried by kills, cuts and overload for fifteen minutes",
    "gpu": "everything that needs a GPU: answers, rates, memory, training",
}
"""Written down in docs instead of being held to a baseline; each has arguments of its own."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the named benchmarks, or all.

    Returns:
        0 if every ratio is as promised, 1 otherwise.
    """
    words = sys.argv[1:] if argv is None else list(argv)
    if words and words[0] in STUDIES:
        study = import_module(f"benchmarks.{words[0].replace('-', '_')}")
        return study.main(words[1:])
    parser = argparse.ArgumentParser(prog="python -m benchmarks", epilog=_list())
    parser.add_argument("names", nargs="*", metavar="NAME", help="which ones; all if none is given")
    names = parser.parse_args(words).names or list(BENCHMARKS)
    unknown = set(names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {_list()}")
    broken = [ratio for name in names for ratio in _run(name)]
    return 1 if broken else 0


def _run(name: str) -> list[str]:
    console = Console()
    console.print(f"[bold]{name}[/]: {BENCHMARKS[name]}")
    measurement: Measurement = import_module(f"benchmarks.{name}").measure()
    if measurement.rows:
        console.print(_table(list(measurement.rows[0]), measurement.rows))
    before = committed_ratios(name)
    ratios = [
        {
            "ratio": ratio,
            "now": f"{value:.3f}",
            "baseline": f"{before[ratio]:.3f}" if ratio in before else "-",
            "promise": f"<= {measurement.at_most[ratio]}" if ratio in measurement.at_most else "-",
        }
        for ratio, value in measurement.ratios.items()
    ]
    console.print(_table(["ratio", "now", "baseline", "promise"], ratios))
    console.print(f"{measurement.note}\nWritten to {save(name, measurement)}", soft_wrap=True)
    for broken in measurement.broken:
        console.print(f"[red]{broken} is more than promised[/]")
    return measurement.broken


def _table(columns: list[str], rows: Sequence[Mapping[str, object]]) -> Table:
    table = Table(*columns)
    for row in rows:
        table.add_row(*(str(row[column]) for column in columns))
    return table


def _list() -> str:
    return "; ".join(f"{name}: {what}" for name, what in {**BENCHMARKS, **STUDIES}.items())


if __name__ == "__main__":
    sys.exit(main())
