"""One lift in a process of its own, the 2D networks being stand-ins or real.

``python -m benchmarks.memory_run VIDEO PERSONS RESULT [--real]``. The stand-ins see so many people
standing side by side in every picture: all that grows with length and people is tracked, lifted,
smoothed and written as always, in a small part of the time.
"""

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.checkpoints import load_lifter
from core.closing import Closing
from core.contracts import JobOptions, PoseModel
from core.cores import usable_cores
from core.keypoints.attention import Attention
from core.keypoints.protocol import Detection
from core.runtime import HOST_BUDGET_MIB, Runtime, RuntimeConfig
from core.tracking.sightings import Sighting, measure
from core.video.frames import Frame
from tests.core.tracking.walkers import figure

_SWAY_S = 2.0


class Crowd(Closing):
    """Sees so many people side by side who fill the picture and sway a little.

    Args:
        persons: how many.
    """

    def __init__(self, persons: int) -> None:
        self._persons = persons
        self._seen: list[Sighting] = []

    def estimate(self, frame: Frame) -> Sequence[Detection]:
        height_px, width_px = frame.rgb.shape[:2]
        place_px = width_px / self._persons
        sway_px = 0.05 * place_px * math.sin(2 * math.pi * frame.time_s / _SWAY_S)
        people = [
            figure((place + 0.5) * place_px + sway_px, 0.95 * height_px, 0.9 * height_px)
            for place in range(self._persons)
        ]
        self._seen = [seen for seen in map(measure, people) if seen is not None]
        return people

    def attention(self) -> Attention:
        return Attention(self._seen, is_settled=True)

    def settle(self) -> None:
        pass

    def close(self) -> None:
        pass


class Crowds(Closing):
    """Stand-ins for the 2D networks of a process."""

    name = "crowd"

    def open(self, pose_model: PoseModel, max_persons: int = 1) -> Any:  # noqa: ANN401 - a stand-in
        return Crowd(max_persons)

    def warm_up(self, pose_model: PoseModel, threads: int = 1) -> None:
        pass

    def estimate_image(
        self, rgb: np.ndarray, pose_model: PoseModel, max_persons: int = 1
    ) -> Sequence[Detection]:
        return []

    def close(self) -> None:
        pass


def open_runtime(*, real: bool) -> Runtime:
    """With everything but perhaps the 2D networks as `poselift lift` has it."""
    if real:
        return Runtime.load(RuntimeConfig(device="cpu", pose_model=PoseModel.LITE))
    torch.set_num_threads(1)
    return Runtime(
        Crowds(),
        load_lifter(None),
        torch.device("cpu"),
        HOST_BUDGET_MIB,
        lambda _: Path(__file__),
        threads=usable_cores(),
    )


def main() -> None:
    """Load, lift, end."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory_run")
    parser.add_argument("video", type=Path)
    parser.add_argument("persons", type=int)
    parser.add_argument("result", type=Path)
    parser.add_argument("--real", action="store_true")
    args = parser.parse_args()
    options = JobOptions(pose_model=PoseModel.LITE, max_persons=args.persons)
    with open_runtime(real=args.real) as runtime:
        runtime.lift_video(args.video, args.result, options)


if __name__ == "__main__":
    main()
