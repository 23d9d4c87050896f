"""Short jobs through 1, 2 and 4 worker slots: jobs a minute, and what each further slot brings.

Real Redis, API and workers, real 2D and lifter; clips of one person, of a few seconds. Two ways to
use a machine are shown: slots as they are shipped, which search one video with all cores, and slots
of one thread, of which there should be one a core.
``python -m benchmarks.scaling --help`` has smaller forms, which write no baseline.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx

from benchmarks.end_to_end_clips import FPS, make_clip
from benchmarks.measurement import Measurement
from core.assets.cache import cached_path, default_cache_folder
from core.assets.fetching import fetch
from core.assets.manifest import DEMO_CLIP
from core.cores import usable_cores
from tests.integration.stack import Stack, ended, submit

Row = dict[str, float | int | str]


@dataclass(frozen=True)
class Plan:
    """How much is done.

    Attributes:
        slots: numbers of worker slots.
        threads: of each slot; 0 is as many as there are cores, as they are shipped.
        jobs: sent at once.
        seconds: length of each clip.
        height: of the picture, pixels.
    """

    slots: tuple[int, ...] = (1, 2, 4)
    threads: tuple[int, ...] = (0, 1)
    jobs: int = 16
    seconds: float = 4.0
    height: int = 360


def measure(plan: Plan | None = None) -> Measurement:
    """The same jobs through each number of slots."""
    plan = plan or Plan()
    cache_folder = default_cache_folder()
    fetch([DEMO_CLIP], cache_folder)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as name:
        clip = make_clip(
            cached_path(cache_folder, DEMO_CLIP),
            Path(name),
            codec="h264",
            width=plan.height * 16 // 9,
            height=plan.height,
            frames=round(plan.seconds * FPS),
        )
        for threads in plan.threads:
            for slots in plan.slots:
                folder = Path(name) / f"{slots}-{threads}"
                took_s = _took_s(folder, clip, plan.jobs, slots=slots, threads=threads)
                rows.append(
                    {
                        "threads": threads or "all",
                        "slots": slots,
                        "jobs_per_minute": round(60 * plan.jobs / took_s, 2),
                    }
                )
    return scaled(rows, cores=usable_cores(), note=_note(plan))


def scaled(rows: list[Row], *, cores: int, note: str = "") -> Measurement:
    """What more slots bring, from jobs a minute by threads and slots; the fewest slots come first.

    Args:
        rows: with ``threads``, ``slots`` and ``jobs_per_minute``.
        cores: of the machine. No more slots of one thread than that can be busy; a slot that uses
            all of them leaves nothing for a second one.
        note: as in the measurement.
    """
    ratios: dict[str, float] = {}
    shown: list[Row] = []
    for row in rows:
        threads, slots = row["threads"], int(row["slots"])
        least = next(other for other in rows if other["threads"] == threads)
        gain = float(row["jobs_per_minute"]) / float(least["jobs_per_minute"])
        could_be = 1.0 if threads == "all" else min(slots, cores) / min(int(least["slots"]), cores)
        shown.append({**row, "gain": round(gain, 3), "efficiency": round(gain / could_be, 3)})
        if row is not least:
            ratios[f"gain: {slots} slots over {least['slots']}, {threads} threads"] = round(gain, 3)
    return Measurement(ratios=ratios, rows=shown, note=note)


def _took_s(folder: Path, clip: Path, jobs: int, *, slots: int, threads: int) -> float:
    """Seconds from the first upload to the end of the last job, all slots being warm."""
    folder.mkdir()
    settings: dict[str, object] = {"POSELIFT_THREADS": threads} if threads else {}
    with ExitStack() as stack:
        site = stack.enter_context(Stack(folder, settings))
        site.start_workers("workers", "--workers", slots)
        site.wait_for_workers(lift=slots)
        api = stack.enter_context(httpx.Client(base_url=site.url, timeout=60))
        _lift_all(api, clip, slots)
        began_s = time.perf_counter()
        _lift_all(api, clip, jobs)
        return time.perf_counter() - began_s


def _lift_all(api: httpx.Client, clip: Path, jobs: int) -> None:
    for job_id in [submit(api, clip) for _ in range(jobs)]:
        job = ended(api, job_id)
        if job["state"] != "succeeded":
            raise RuntimeError(f"a job ended as {job['state']}: {job['error']}")


def _note(plan: Plan) -> str:
    return (
        f"{plan.jobs} clips of {plan.seconds:g} s at {plan.height}p, model full, through the API; "
        "sent at once, after one job a slot. gain: jobs a minute over those of the fewest slots. "
        "efficiency: gain over what the cores could bring; all: a slot uses every core, so that "
        "one is enough and others should do no harm."
    )


def main(argv: Sequence[str]) -> None:
    """``python -m benchmarks.scaling``: as much as asked for; prints, and writes no baseline."""
    usual = Plan()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling")
    parser.add_argument("--slots", type=int, nargs="+", default=usual.slots)
    parser.add_argument("--threads", type=int, nargs="+", default=usual.threads)
    parser.add_argument("--jobs", type=int, default=usual.jobs)
    parser.add_argument("--seconds", type=float, default=usual.seconds)
    parser.add_argument("--height", type=int, default=usual.height)
    asked = vars(parser.parse_args(argv))
    asked |= {name: tuple(asked[name]) for name in ("slots", "threads")}
    sys.stdout.write(json.dumps(asdict(measure(Plan(**asked))), indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
