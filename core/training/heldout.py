"""The lifter on people it has never seen, from cameras drawn once and kept."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch

from core.evaluation.metrics import mpjpe, n_mpjpe, pa_mpjpe
from core.keypoints.layouts import find_layout
from core.models import Lifter
from core.skeleton import KEYPOINT_NAMES
from core.training.dice import Dice
from core.training.losses import MEAN_LENGTH
from core.training.motion import MotionLibrary
from core.training.sampler import Batch, Difficulty, draw_batch

_FRAMES = 27
_WINDOWS_AT_ONCE = 64


@dataclass(frozen=True)
class HeldOutSet:
    """Windows to measure on; the same dice give the same windows."""

    batches: tuple[Batch, ...]

    @classmethod
    def draw(cls, library: MotionLibrary, dice: Dice, windows: int, difficulty: Difficulty) -> Self:
        sizes = [
            min(_WINDOWS_AT_ONCE, windows - start) for start in range(0, windows, _WINDOWS_AT_ONCE)
        ]
        return cls(tuple(draw_batch(library, dice, size, _FRAMES, difficulty) for size in sizes))


def in_layout(batch: Batch, layout: str) -> Batch:
    """The same windows, as somebody sees them whose 2D comes in another layout.

    Raises:
        OptionError: there is no such layout.
    """
    missing = torch.tensor([name not in find_layout(layout).places for name in KEYPOINT_NAMES])
    return batch._replace(
        rays=batch.rays.masked_fill(missing[:, None], torch.nan),
        confidence=batch.confidence.masked_fill(missing, 0),
        hint_m=None,
    )


def with_lens_told(difficulty: Difficulty) -> Difficulty:
    """The same windows from the same dice, for users who know the focal length of each."""
    return replace(difficulty, told=1.0)


@torch.inference_mode()
def measure(model: Lifter, chosen: HeldOutSet, device: torch.device) -> dict[str, float]:
    """Errors in millimetres over present frames, and how true the scale of doubt is.

    ``doubt`` is mean error length over what sigma promises: 1 is honest, above it overconfident.
    """
    model.eval()
    joints, truth, sigma = [], [], []
    for batch in chosen.batches:
        moved = batch.to(device)
        pose = model(moved.rays, moved.confidence, moved.time_s, moved.hint_m)
        joints.append(pose.joints_m.cpu()[batch.present].numpy())
        sigma.append(pose.sigma_m.cpu()[batch.present].numpy())
        truth.append(batch.joints_m[batch.present].numpy())
    predicted, true = np.concatenate(joints), np.concatenate(truth)
    promised = np.concatenate(sigma).mean() * MEAN_LENGTH
    return {
        "mpjpe_mm": round(1000 * float(mpjpe(predicted, true).mean()), 2),
        "n_mpjpe_mm": round(1000 * float(n_mpjpe(predicted, true).mean()), 2),
        "pa_mpjpe_mm": round(1000 * float(pa_mpjpe(predicted, true).mean()), 2),
        "doubt": round(float(mpjpe(predicted, true).mean() / promised), 3),
    }
