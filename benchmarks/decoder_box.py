"""What decoding in a box costs: 1080p pictures through its walls, against those decoded here.

Both ways end with the upright RGB that an estimator sees. They take turns in one process, so that
whatever else the machine does hits both.
"""

import resource
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.end_to_end_clips import make_clip
from benchmarks.measurement import Measurement
from core.assets.cache import cached_path, default_cache_folder
from core.assets.fetching import fetch
from core.assets.manifest import DEMO_CLIP
from core.box.limits import BoxLimits
from core.box.process import Box
from core.observing import LONGEST_SIDE_PX
from core.video.box.boxes import DecoderBoxes
from core.video.box.kind import VIDEO
from core.video.reader import VideoReader, read_here
from core.video.upright import UprightRgb

FRAMES = 120
ROUNDS = 5

Opens = Callable[[Path], AbstractContextManager[VideoReader]]


@dataclass(frozen=True)
class _Cost:
    """Of one run through the clip; processor time is that of this process and its children."""

    wall_ms: float
    cpu_ms: float


def measure(rounds: int = ROUNDS, frames: int = FRAMES) -> Measurement:
    """Decode the clip in both ways, in turns."""
    cache_folder = default_cache_folder()
    fetch([DEMO_CLIP], cache_folder)
    rows: list[dict[str, float | int | str]] = []
    ratios: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder, DecoderBoxes() as boxes:
        walls = boxes.check()
        demo = cached_path(cache_folder, DEMO_CLIP)
        clip = make_clip(demo, Path(folder), codec="h264", width=1920, height=1080, frames=frames)
        ways = {"here": read_here, "box": boxes.open}
        for side_px in (LONGEST_SIDE_PX, None):
            costs = _in_turns(clip, ways, side_px, rounds)
            name = f"{side_px}px" if side_px else "full_size"
            for way, cost in costs.items():
                rows.append(_row(f"{name}, {way}", cost, frames))
            ratios[f"{name}_cpu"] = _ratio(costs)
    starts = [_start() for _ in range(rounds)]
    middle = _Cost(median(s.wall_ms for s in starts), median(s.cpu_ms for s in starts))
    rows.append(_row("start of a box", middle, 1))
    return Measurement(
        ratios=ratios,
        rows=rows,
        note=f"{frames} frames of 1080p h264, medians of {rounds} rounds; ratios are medians of "
        "each round's processor time in the box over that here, of all frames after the first. "
        f"Wall time says little: a box is beside us, on cores of its own if any are idle. {walls}.",
    )


def _in_turns(
    clip: Path, ways: dict[str, Opens], side_px: int | None, rounds: int
) -> dict[str, list[_Cost]]:
    costs: dict[str, list[_Cost]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, opens in ways.items():
            whole = _cost(lambda opens=opens: _run(clip, opens, side_px, None))
            begun = _cost(lambda opens=opens: _run(clip, opens, side_px, 1))
            costs[way].append(_Cost(whole.wall_ms - begun.wall_ms, whole.cpu_ms - begun.cpu_ms))
    return costs


def _run(clip: Path, opens: Opens, side_px: int | None, most: int | None) -> None:
    with opens(clip) as reader:
        facts = reader.probe()
        upright = UprightRgb(facts, side_px)
        pictures = reader.pictures(facts, longest_side_px=side_px)
        for number, picture in enumerate(pictures, start=1):
            upright(picture.image)
            if number == most:
                break
        pictures.close()


def _cost(work: Callable[[], None]) -> _Cost:
    cpu_s, start_s = _cpu_s(), time.perf_counter()
    work()
    return _Cost(1000 * (time.perf_counter() - start_s), 1000 * (_cpu_s() - cpu_s))


def _start() -> _Cost:
    def start() -> None:
        with Box(BoxLimits(), VIDEO) as box:
            box.walls()

    return _cost(start)


def _cpu_s() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def _ratio(costs: dict[str, list[_Cost]]) -> float:
    rounds = zip(costs["box"], costs["here"], strict=True)
    return round(median(box.cpu_ms / here.cpu_ms for box, here in rounds), 3)


def _row(what: str, cost: _Cost | list[_Cost], frames: int) -> dict[str, float | int | str]:
    costs = cost if isinstance(cost, list) else [cost]
    return {
        "what": what,
        "cpu_ms": round(median(c.cpu_ms for c in costs) / frames, 2),
        "wall_ms": round(median(c.wall_ms for c in costs) / frames, 2),
    }
