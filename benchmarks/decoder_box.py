"""What decoding in a box costs: 1080p pictures through its walls, against those decoded here.

Both ways end with the upright RGB that an estimator sees. They take turns in one process, so that
whatever else the machine does hits both.
"""

import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from statistics import median

from benchmarks.cost import Cost, cost
from benchmarks.end_to_end_clips import make_clip
from benchmarks.measurement import Measurement
from benchmarks.picture_box import measure_pictures
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
            for way, spent in costs.items():
                rows.append(_row(f"{name}, {way}", spent, frames))
            ratios[f"{name}_cpu"] = _ratio(costs)
    starts = [_start() for _ in range(rounds)]
    middle = Cost(median(s.wall_ms for s in starts), median(s.cpu_ms for s in starts))
    rows.append(_row("start of a box", middle, 1))
    rows += [_row(what, of_one, 1) for what, of_one in measure_pictures().items()]
    return Measurement(
        ratios=ratios,
        rows=rows,
        note=f"{frames} frames of 1080p h264, medians of {rounds} rounds; ratios are medians of "
        "each round's processor time in the box over that here, of all frames after the first. "
        f"Wall time says little: a box is beside us, on cores of its own if any are idle. {walls}.",
    )


def _in_turns(
    clip: Path, ways: dict[str, Opens], side_px: int | None, rounds: int
) -> dict[str, list[Cost]]:
    costs: dict[str, list[Cost]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, opens in ways.items():
            whole = cost(lambda opens=opens: _run(clip, opens, side_px, None))
            begun = cost(lambda opens=opens: _run(clip, opens, side_px, 1))
            costs[way].append(Cost(whole.wall_ms - begun.wall_ms, whole.cpu_ms - begun.cpu_ms))
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


def _start() -> Cost:
    def start() -> None:
        with Box(BoxLimits(), VIDEO) as box:
            box.walls()

    return cost(start)


def _ratio(costs: dict[str, list[Cost]]) -> float:
    rounds = zip(costs["box"], costs["here"], strict=True)
    return round(median(box.cpu_ms / here.cpu_ms for box, here in rounds), 3)


def _row(what: str, spent: Cost | list[Cost], frames: int) -> dict[str, float | int | str]:
    costs = spent if isinstance(spent, list) else [spent]
    return {
        "what": what,
        "cpu_ms": round(median(c.cpu_ms for c in costs) / frames, 2),
        "wall_ms": round(median(c.wall_ms for c in costs) / frames, 2),
    }
