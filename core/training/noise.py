"""2D noise that looks like a detector's: it lasts, it comes in bursts, and it swaps sides.

Magnitudes are in metres at the person's depth, so that they scale with size in the image. A real
detector's error is mostly bias: the same wrong knee for seconds.

Notation:
    B: windows, T: frames, P: the 33 keypoints
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from core.skeleton import KEYPOINT_MIRROR, KEYPOINT_NAMES
from core.training.dice import Dice
from core.training.occlusion import hidden_by_body

_MIRROR = torch.from_numpy(KEYPOINT_MIRROR)


def _rows(*parts: str) -> list[int]:
    return [i for i, name in enumerate(KEYPOINT_NAMES) if any(part in name for part in parts)]


_ARM_PARTS = ("elbow", "wrist", "pinky", "index", "thumb")
_HANDS = [i for i in _rows("pinky", "_index", "thumb") if "foot" not in KEYPOINT_NAMES[i]]
_FEET = _rows("heel", "foot_index")
_ARMS = [i for i in _rows(*_ARM_PARTS) if "foot" not in KEYPOINT_NAMES[i]]
_LEGS = _rows("knee", "ankle", "heel", "foot_index")

_FACTOR = torch.ones(len(KEYPOINT_NAMES))
_FACTOR[:11] = 0.6
_FACTOR[_rows("shoulder")] = 0.85
_FACTOR[_rows("elbow", "hip")] = 1.1
_FACTOR[_rows("wrist", "knee", "ankle")] = 1.45
_FACTOR[_HANDS] = 0.9
_FACTOR[_FEET] = 0.9

# What moves together: a hand goes wrong with its wrist, a foot with its ankle.
_CARRY = torch.eye(len(KEYPOINT_NAMES))
for _row in _HANDS:
    _CARRY[_row, KEYPOINT_NAMES.index(KEYPOINT_NAMES[_row].split("_")[0] + "_wrist")] = 0.9
for _row in _FEET:
    _CARRY[_row, KEYPOINT_NAMES.index(KEYPOINT_NAMES[_row].split("_")[0] + "_ankle")] = 0.9
_CARRY[:11, 0] = 0.7
_CARRY[0, 0] = 1.0

# A detector places hips and shoulders nearly as well, and as surely, when the trunk hides them.
_HIDEABLE = torch.ones(len(KEYPOINT_NAMES))
_HIDEABLE[_rows("hip", "shoulder")] = 0.2

_LIMBS = torch.zeros(4, len(KEYPOINT_NAMES), dtype=torch.bool)
for _limb, (_side, _part) in enumerate(
    (side, part) for side in ("left", "right") for part in (_ARMS, _LEGS)
):
    _LIMBS[_limb, [i for i in _part if KEYPOINT_NAMES[i].startswith(_side)]] = True
_MERGE_FROM = torch.tensor([2.15, 1.85, 2.15, 1.85])  # arms, legs, arms, legs
_SWAP_GROUPS = torch.zeros(3, len(KEYPOINT_NAMES), dtype=torch.bool)
_SWAP_GROUPS[0, _ARMS] = True
_SWAP_GROUPS[1, [*_LEGS, *_rows("hip")]] = True
_SWAP_GROUPS[2] = True


class NoisyKeypoints(NamedTuple):
    """What the detector says instead of the truth.

    Attributes:
        image: keypoints, in units of the longer image side.
        confidence: in [0, 1], low where the detector guesses.
        error_m: by how much each keypoint is off for other reasons than confused sides, in metres
            at the person's depth.
        swapped: where left and right are confused.
    """

    image: Float[Tensor, "B T P 2"]
    confidence: Float[Tensor, "B T P"]
    error_m: Float[Tensor, "B T P 2"]
    swapped: Bool[Tensor, "B T P"]


def detect(
    dice: Dice,
    truth: Float[Tensor, "B T P 2"],
    points_m: Float[Tensor, "B T P 3"],
    time_s: Float[Tensor, "B T"],
    focal: Float[Tensor, "B"],
    frame: Float[Tensor, "B 2"],
) -> NoisyKeypoints:
    """Play the detector on projected landmarks.

    Args:
        dice: what chance decides.
        truth: exact projections.
        points_m: the landmarks in the camera frame, for who hides whom.
        time_s: of each frame.
        focal: true focal length over the longer image side.
        frame: half width and height of the image.
    """
    batch, frames = time_s.shape
    per_metre = focal[:, None] / points_m[..., 2].mean(-1).clamp(min=0.3)  # (B, T)
    quality = dice.log_normal((batch, 1, 1), 0.55)
    outside = (truth.abs() > frame[:, None, None]).any(-1)
    hidden = _hidden(dice, points_m, time_s) + 1.5 * outside
    strength = quality * (1 + 1.5 * hidden) * _FACTOR
    error_m = _wander(dice, time_s) * strength[..., None]
    error_m = torch.einsum("pq,btqc->btpc", _CARRY, error_m)
    seen = truth + error_m * per_metre[..., None, None]
    seen = _merged(dice, seen, time_s)
    swapped = _swaps(dice, time_s, quality)
    seen = torch.where(swapped[..., None], seen[:, :, _MIRROR], seen)
    seen = _smoothed(dice, seen, time_s)
    wrong_m = (seen - truth).norm(dim=-1) / per_metre[..., None]
    confidence = _confidence(dice, hidden, wrong_m, outside, (batch, frames))
    return NoisyKeypoints(seen, confidence, error_m, swapped)


def _wander(dice: Dice, time_s: Tensor) -> Float[Tensor, "B T P 2"]:
    """Bias over seconds, drift over tenths of a second, and jitter, in metres."""
    batch, frames = time_s.shape
    shape = (len(KEYPOINT_NAMES), 2)
    bias = dice.drift(time_s, dice.log_uniform((batch,), 1.0, 10.0), shape) * 0.011
    drift = dice.drift(time_s, dice.log_uniform((batch,), 0.1, 0.4), shape) * 0.008
    jitter = dice.normal((batch, frames, *shape), 0.003)
    return bias + drift + jitter


def _hidden(dice: Dice, points_m: Tensor, time_s: Tensor) -> Float[Tensor, "B T P"]:
    """How much of each keypoint is hidden, 0 to about 1.5: by the body itself, or by things."""
    batch = len(time_s)
    gate = dice.drift(time_s, dice.log_uniform((batch,), 0.2, 1.5), (len(_LIMBS),))
    behind_things = ((gate > 1.7).float() @ _LIMBS.float()).clamp(max=1)
    how_bad = dice.uniform((batch, 1, 1), 0.3, 1.3)
    return hidden_by_body(points_m) * how_bad * _HIDEABLE + behind_things * dice.uniform(
        (batch, 1, 1), 0.3, 1
    )


def _swaps(dice: Dice, time_s: Tensor, quality: Tensor) -> Bool[Tensor, "B T P"]:
    """Left taken for right: arms, legs, or everything, for tenths of a second; bad clips more."""
    batch = len(time_s)
    gate = dice.drift(time_s, dice.log_uniform((batch,), 0.1, 1.0), (len(_SWAP_GROUPS),))
    active = gate > torch.tensor([2.35, 2.15, 2.5]) - 0.3 * quality.log().clamp(-1.5, 1.5)
    flips = (active.float() @ _SWAP_GROUPS.float()) % 2
    return flips > 0.5


def _merged(dice: Dice, seen: Tensor, time_s: Tensor) -> Tensor:
    """A limb put onto its visible counterpart, wholly or halfway: side views do this to legs."""
    batch = len(time_s)
    gate = dice.drift(time_s, dice.log_uniform((batch,), 0.2, 1.5), (len(_LIMBS),))
    share = ((gate - _MERGE_FROM) * 4).clamp(0, 1) @ _LIMBS.float()
    share = share * dice.uniform((batch, 1, 1), 0.5, 1.0)
    return torch.lerp(seen, seen[:, :, _MIRROR], share[..., None])


def _smoothed(dice: Dice, seen: Tensor, time_s: Tensor) -> Tensor:
    """Causal low-pass in some windows, as trackers do: it lags behind fast limbs."""
    batch, frames = time_s.shape
    lag_s = dice.uniform((batch, 1), 0.001, 0.02)
    lag_s = torch.where(dice.chance((batch, 1), 0.6), lag_s, torch.full((batch, 1), 1e-4))
    keep = torch.exp(-(time_s[:, 1:] - time_s[:, :-1]).clamp(min=1e-4) / lag_s)[..., None, None]
    values = [seen[:, 0]]
    for index in range(1, frames):
        values.append(torch.lerp(seen[:, index], values[-1], keep[:, index - 1]))
    return torch.stack(values, 1)


def _confidence(
    dice: Dice, hidden: Tensor, wrong_m: Tensor, outside: Tensor, shape: tuple[int, int]
) -> Float[Tensor, "B T P"]:
    batch, frames = shape
    points = len(KEYPOINT_NAMES)
    level = dice.normal((batch, 1, 1), 1.2, 4.0)
    honesty = dice.uniform((batch, 1, 1), 0.0, 14.0)
    logit = level - 4.0 * hidden - honesty * wrong_m
    logit = logit + dice.normal((batch, 1, points), 0.8) + dice.normal((batch, frames, points), 0.3)
    confidence = logit.sigmoid()
    # Some sources give none: then whatever is there counts as certain.
    confidence = torch.where(dice.chance((batch, 1, 1), 0.2), torch.ones(()), confidence)
    cut = outside & dice.chance((batch, 1, 1), 0.5)
    return torch.where(cut, torch.zeros(()), confidence)
