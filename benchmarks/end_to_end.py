"""``lift_video`` against the obvious loop on the same clips, and against the machine's limit.

The obvious loop decodes with PyAV, tracks with MediaPipe's published ``full`` model in VIDEO mode,
lifts with our lifter, and does all that in one thread. Ours uses the same networks.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.end_to_end_clips import FPS, make_clip
from benchmarks.measurement import Measurement
from core.assets.cache import cached_path, default_cache_folder
from core.assets.fetching import fetch
from core.assets.manifest import DEMO_CLIP
from core.cores import usable_cores

SIZES = {720: (1280, 720), 1080: (1920, 1080)}
LONG_S = 120
"""Ten minutes show nothing that two do not: every segment costs what the one before it did."""


@dataclass(frozen=True)
class Case:
    """One clip on so many cores."""

    codec: str
    height: int
    seconds: int
    cores: int

    @property
    def name(self) -> str:
        return f"{self.codec} {self.height}p {self.seconds} s, {self.cores} cores"


CASES = (
    *(Case("h264", 1080, 10, cores) for cores in (2, 1)),
    *(Case("h264", 720, 10, cores) for cores in (2, 1)),
    *(Case("vp9", height, 10, 2) for height in (1080, 720)),
    Case("h264", 1080, LONG_S, 2),
)


def measure(cases: Sequence[Case] = CASES, rounds: int = 3) -> Measurement:
    """Run each case so often, ours and the loop in turn, and take the medians."""
    cache_folder = default_cache_folder()
    fetch([DEMO_CLIP], cache_folder)
    demo = cached_path(cache_folder, DEMO_CLIP)
    rows: list[dict[str, float | int | str]] = []
    with tempfile.TemporaryDirectory() as folder:
        for case in cases:
            if case.cores > usable_cores():
                continue
            width, height = SIZES[case.height]
            frames = case.seconds * FPS
            clip = make_clip(
                demo, Path(folder), codec=case.codec, width=width, height=height, frames=frames
            )
            rows.append({"case": case.name, **_compare(clip, case.cores, rounds)})
    return Measurement(
        ratios={f"{what}: {row['case']}": float(row[what]) for row in rows for what in _RATIOS},
        rows=rows,
        note="time: seconds of the obvious loop over ours. work: the same in processor time a "
        "frame, which other processes disturb less. time_again: as time, for a second run through "
        "the video in the same process. of_limit: our frames a second over cores times "
        "those of MediaPipe's tracking alone, by processor time; of_network: over those of our own "
        "tracking alone. cores_at_work: processor time over time. decode and main are shares of "
        "our processor time; main is who is who, lifting, smoothing and writing. Medians of "
        f"{rounds} rounds.",
    )


_KINDS = ("ours", "loop", "decode", "limit", "network")
_RATIOS = ("time", "time_again", "work", "of_limit", "of_network", "main")


def _compare(clip: Path, cores: int, rounds: int) -> dict[str, float | int | str]:
    runs: dict[str, list[dict[str, float]]] = {kind: [] for kind in _KINDS}
    for _ in range(rounds):
        for kind, done in runs.items():
            done.append(_run(kind, clip, cores))

    def typical(kind: str, what: str) -> float:
        return median(run[what] for run in runs[kind])

    ours_ms, limit_ms, network_ms = (
        typical(kind, "cpu_ms_per_frame") for kind in ("ours", "limit", "network")
    )
    return {
        "time": round(typical("loop", "seconds") / typical("ours", "seconds"), 2),
        "time_again": round(typical("loop", "seconds_again") / typical("ours", "seconds_again"), 2),
        "work": round(typical("loop", "cpu_ms_per_frame") / ours_ms, 2),
        "of_limit": round(limit_ms / ours_ms, 2),
        "of_network": round(network_ms / ours_ms, 2),
        "decode": round(typical("decode", "cpu_ms_per_frame") / ours_ms, 3),
        "main": round(typical("ours", "main_share"), 3),
        "cores_at_work": round(median(_cores_at_work(run) for run in runs["ours"]), 2),
        "ours_ms": round(ours_ms, 2),
        "ours_fps": round(median(run["frames"] / run["seconds"] for run in runs["ours"]), 1),
        "loop_fps": round(median(run["frames"] / run["seconds"] for run in runs["loop"]), 1),
    }


def _cores_at_work(run: dict[str, float]) -> float:
    return run["cpu_ms_per_frame"] * run["frames"] / 1000 / run["seconds"]


def _run(kind: str, clip: Path, cores: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.end_to_end_run", kind, str(clip), str(cores)]
    reply = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(reply.stdout.splitlines()[-1])


def main(argv: Sequence[str]) -> None:
    """``python -m benchmarks.end_to_end [--cases N] [--rounds N]``: only the first N cases."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.end_to_end")
    parser.add_argument("--cases", type=int, default=len(CASES))
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args(argv)
    sys.stdout.write(json.dumps(measure(CASES[: args.cases], args.rounds).rows, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
