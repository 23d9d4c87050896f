"""Keypoints that are not there: other layouts, cropped pictures, hidden limbs, lost frames."""

import torch
from jaxtyping import Bool
from torch import Tensor

from core.skeleton import KEYPOINT_NAMES
from core.training.dice import Dice

_LIMBS = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")


def _mask(*parts: str) -> Tensor:
    return torch.tensor([any(part in name for part in parts) for name in KEYPOINT_NAMES])


_NOSE = torch.tensor([name == "nose" for name in KEYPOINT_NAMES])
_COCO_FACE = torch.tensor(
    [name in ("left_eye", "right_eye", "left_ear", "right_ear") for name in KEYPOINT_NAMES]
)
_FEET = _mask("heel", "foot_index")
_LAYOUTS = torch.stack(
    [
        torch.ones(len(KEYPOINT_NAMES), dtype=torch.bool),  # MediaPipe: everything
        _mask(*_LIMBS) | _NOSE | _COCO_FACE,  # COCO-17
        _mask(*_LIMBS) | _NOSE,  # H36M-17 with a nose
        _mask(*_LIMBS),  # H36M-17 without
        _mask(*_LIMBS) | _NOSE | _COCO_FACE | _FEET,  # HALPE-26
    ]
)
_LAYOUT_WEIGHTS = torch.tensor([0.74, 0.12, 0.04, 0.04, 0.06])
_FITTED_WEIGHTS = torch.tensor([0.1, 0.1, 0.4, 0.4, 0.0])

_LOWER = _mask("knee", "ankle", "heel", "foot_index")
_HIDEABLE = torch.stack(
    [
        _LOWER,  # cut off at the hips
        _LOWER | _mask("hip"),  # cut off at the waist
        _mask("ankle", "heel", "foot_index"),  # cut off at the knees
        *(
            torch.tensor([name.startswith(side) for name in KEYPOINT_NAMES]) & part
            for side in ("left", "right")
            for part in (_mask("elbow", "wrist", "pinky", "index", "thumb") & ~_FEET, _LOWER)
        ),
        torch.tensor([index < 11 for index in range(len(KEYPOINT_NAMES))]),  # faceless
    ]
)


def draw_known(
    dice: Dice, batch: int, frames: int, fitted: Bool[Tensor, "batch"] | None = None
) -> Bool[Tensor, "batch frames 33"]:
    """Which keypoints are given at all; where ``fitted``, mostly those of Human3.6M-17."""
    chosen = dice.pick(_LAYOUT_WEIGHTS, batch)
    if fitted is not None:
        chosen = torch.where(fitted, dice.pick(_FITTED_WEIGHTS, batch), chosen)
    layout = _LAYOUTS[chosen]  # (B, P)
    part = _HIDEABLE[dice.integers((batch,), len(_HIDEABLE))]
    cropped = part & dice.chance((batch, 1), 0.12)
    known = (layout & ~cropped)[:, None].expand(batch, frames, -1)
    dropped = dice.chance((batch, frames, len(KEYPOINT_NAMES)), 0.03)
    known = known & ~(dropped & dice.chance((batch, 1, 1), 0.3))
    return known & draw_present(dice, batch, frames)[..., None]


def draw_present(dice: Dice, batch: int, frames: int) -> Bool[Tensor, "batch frames"]:
    """Frames in which anybody was found; some windows have gaps, some end early."""
    gaps = dice.chance((batch, frames), 0.3) & dice.chance((batch, 1), 0.06)
    length = (dice.uniform((batch, 1), 0.2, 1.0) * frames).ceil()
    ends = dice.chance((batch, 1), 0.08) & (torch.arange(frames) >= length)
    present = ~(gaps | ends)
    present[:, 0] = True
    return present
