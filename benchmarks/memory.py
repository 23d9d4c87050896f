"""Peak memory of lifting a video of 10 seconds and of 2 hours, with 1 to 4 people: it is the same.

The clip is the demo's, made small (320 x 180) so that decoding is quick and looped by repeating its
packets. The size of a frame is the same in all videos, so it cancels out in the ratio; the number
of frames, chunks, windows and results is what grows. By default the 2D networks are stand-ins,
which see as many people as there shall be; ``python -m benchmarks.memory --real`` takes the real
ones, and writes no baseline.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from benchmarks.looped_video import loop, shrink
from benchmarks.measurement import Measurement, resident_peak_bytes
from core.assets.cache import cached_path, default_cache_folder
from core.assets.fetching import fetch
from core.assets.manifest import DEMO_CLIP

FPS = 30
GROWTH = 1.10
"""How much more than a 10-second video a long one may take."""
_POLL_S = 0.05

Row = dict[str, float | int | str]


@dataclass(frozen=True)
class Case:
    """One video.

    Attributes:
        seconds: how long.
        persons: how many people are looked for.
    """

    seconds: int
    persons: int


CASES = (
    *(Case(seconds, 1) for seconds in (10, 60, 1200, 7200)),
    *(Case(seconds, persons) for persons in (2, 3, 4) for seconds in (10, 1200)),
)


def measure(cases: Sequence[Case] = CASES, *, real: bool = False) -> Measurement:
    """Lift each video in a process of its own."""
    cache_folder = default_cache_folder()
    fetch([DEMO_CLIP], cache_folder)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.mp4"
        shrink(cached_path(cache_folder, DEMO_CLIP), clip, width=320, height=180)
        for case in cases:
            video = Path(folder) / f"{case.seconds}s.mp4"
            if not video.exists():
                loop(clip, video, frames=case.seconds * FPS)
            rows.append({**asdict(case), **_lift(video, case.persons, real=real)})
    return compared(rows, real=real)


def compared(rows: list[Row], *, real: bool = False) -> Measurement:
    """The longest over the shortest video for each number of people, and more people over fewest.

    Args:
        rows: with ``seconds``, ``persons`` and ``peak_mib``.
        real: whether the 2D networks were.
    """
    peaks = {(int(row["persons"]), int(row["seconds"])): float(row["peak_mib"]) for row in rows}
    fewest = min(persons for persons, _ in peaks)
    ratios: dict[str, float] = {}
    for persons in sorted({persons for persons, _ in peaks}):
        lengths = [seconds for who, seconds in peaks if who == persons]
        short, long = min(lengths), max(lengths)
        if short < long:
            name = "long_over_short" if persons == fewest else f"long_over_short: {persons} persons"
            ratios[name] = round(peaks[persons, long] / peaks[persons, short], 4)
    promised = dict.fromkeys(ratios, GROWTH)
    shortest = min(seconds for _, seconds in peaks)
    for persons, seconds in peaks:
        if seconds == shortest and persons > fewest:
            ratio = peaks[persons, seconds] / peaks[fewest, seconds]
            ratios[f"{persons} persons over {fewest}"] = round(ratio, 4)
    return Measurement(
        ratios=ratios,
        at_most=promised,
        rows=rows,
        note="The process's peak of resident memory as the system counts it, or that of it and its "
        f"children, polled every {_POLL_S} s, if that is more; the demo clip at 320 x 180, looped; "
        f"2D {'model lite' if real else 'by stand-ins'}.",
    )


def _lift(video: Path, persons: int, *, real: bool) -> Row:
    result = video.with_suffix(".npz")
    words = [str(video), str(persons), str(result), *(["--real"] if real else [])]
    start_s = time.monotonic()
    command = [sys.executable, "-m", "benchmarks.memory_run", *words]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        peak_bytes = _peak_bytes(process)
    seconds = time.monotonic() - start_s
    if process.returncode:
        raise RuntimeError(f"lifting {video.name} ended with exit code {process.returncode}")
    result.unlink()
    return {"peak_mib": round(peak_bytes / 2**20, 1), "took_s": round(seconds, 1)}


def _peak_bytes(process: "subprocess.Popen[bytes]") -> int:
    """Until it has ended: its own peak as the system counts it, or its family's as seen now."""
    parent, peak_bytes = psutil.Process(process.pid), 0
    while True:
        ended, status, used = os.wait4(process.pid, os.WNOHANG)
        if ended:
            process.returncode = os.waitstatus_to_exitcode(status)
            return max(peak_bytes, resident_peak_bytes(used))
        try:
            family = [parent, *parent.children(recursive=True)]
            peak_bytes = max(peak_bytes, sum(one.memory_info().rss for one in family))
        except psutil.NoSuchProcess:
            continue  # a child ended between being listed and being asked
        time.sleep(_POLL_S)


def main(argv: Sequence[str]) -> None:
    """``python -m benchmarks.memory``: cases of one's own; prints, and writes no baseline."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory")
    parser.add_argument("--seconds", type=int, nargs="+", default=[10, 7200])
    parser.add_argument("--persons", type=int, nargs="+", default=[1])
    parser.add_argument("--real", action="store_true", help="real 2D networks, model lite")
    args = parser.parse_args(argv)
    cases = [Case(seconds, persons) for persons in args.persons for seconds in args.seconds]
    found = measure(cases, real=args.real)
    sys.stdout.write(json.dumps(asdict(found), indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
