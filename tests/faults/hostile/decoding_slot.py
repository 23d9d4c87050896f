"""``python -m tests.faults.hostile.decoding_slot NAME``: a real slot with the real runtime.

Only the 2D networks are not: they see one standing person in every picture, so that whatever
times and sizes a hostile file has go through tracking, lifting and writing, without a model file.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.box.limits import BoxLimits
from core.box.sandbox import Sandbox
from core.checkpoints import PACKAGED_WEIGHTS, load_lifter
from core.closing import Closing
from core.contracts import LIFT_QUEUE, PoseModel
from core.keypoints.attention import Attention
from core.keypoints.protocol import Detection
from core.runtime import HOST_BUDGET_MIB, Runtime
from core.tracking.sightings import Sighting, measure
from core.video.box.boxes import DecoderBoxes
from core.video.frames import Frame
from tests.core.tracking.walkers import figure
from worker import slot
from worker.leash import follow_parent
from worker.logs import set_up_logging
from worker.settings import WorkerSettings


class Standing(Closing):
    """Sees somebody who stands in the middle of every picture and fills it."""

    def __init__(self) -> None:
        self._seen: list[Sighting] = []

    def estimate(self, frame: Frame) -> Sequence[Detection]:
        height_px, width_px = frame.rgb.shape[:2]
        person = figure(width_px / 2, 0.95 * height_px, 0.9 * height_px)
        sighting = measure(person)
        self._seen = [] if sighting is None else [sighting]
        return [person]

    def attention(self) -> Attention:
        return Attention(self._seen, is_settled=True)

    def settle(self) -> None:
        pass

    def close(self) -> None:
        pass


class StandIns(Closing):
    """Stand-ins for the 2D models of a process."""

    name = "standing"

    def open(self, pose_model: PoseModel, max_persons: int = 1) -> Any:
        return Standing()

    def warm_up(self, pose_model: PoseModel, threads: int = 1) -> None:
        pass

    def estimate_image(
        self, rgb: np.ndarray, pose_model: PoseModel, max_persons: int = 1
    ) -> Sequence[Detection]:
        return []

    def close(self) -> None:
        pass


def boxes_of(settings: WorkerSettings) -> DecoderBoxes | None:
    """What a worker decodes in, as the settings say."""
    if settings.sandbox is Sandbox.OFF:
        return None
    memory_mib = settings.decoder_memory_mib
    limits = BoxLimits() if memory_mib is None else BoxLimits(memory_bytes=memory_mib << 20)
    boxes = DecoderBoxes(limits)
    boxes.check(settings.sandbox)
    return boxes


def main(name: str) -> None:
    """Take jobs until a signal asks to stop."""
    follow_parent()
    settings = WorkerSettings.read()
    set_up_logging("INFO", name=name)
    torch.set_num_threads(1)
    lifter = load_lifter(PACKAGED_WEIGHTS.with_name("small.safetensors"))
    with Runtime(
        StandIns(),
        lifter,
        torch.device("cpu"),
        HOST_BUDGET_MIB,
        lambda _: Path(__file__),
        threads=settings.threads or 1,
        boxes=boxes_of(settings),
    ) as runtime:
        slot.Slot(settings, name=name, queue_name=LIFT_QUEUE, runtime=runtime).run()


if __name__ == "__main__":
    main(sys.argv[1])
