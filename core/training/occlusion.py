"""Which keypoints the body itself hides: coarse capsules for the trunk and the limbs."""

import torch
from jaxtyping import Float
from torch import Tensor

from core.skeleton import KEYPOINT_NAMES


def _at(name: str) -> int:
    return KEYPOINT_NAMES.index(name)


# A capsule hides keypoints behind it: ends (means of two keypoints), radius, which may be hidden.
_TRUNK = (("left_shoulder", "right_shoulder"), ("left_hip", "right_hip"), 0.15)
_HEAD = (("left_ear", "right_ear"), ("left_ear", "right_ear"), 0.09)
_LEFT_THIGH = (("left_hip", "left_hip"), ("left_knee", "left_knee"), 0.08)
_RIGHT_THIGH = (("right_hip", "right_hip"), ("right_knee", "right_knee"), 0.08)
_LEFT_SHANK = (("left_knee", "left_knee"), ("left_ankle", "left_ankle"), 0.06)
_RIGHT_SHANK = (("right_knee", "right_knee"), ("right_ankle", "right_ankle"), 0.06)

_ARM = ("elbow", "wrist", "pinky", "index", "thumb")
_LEG = ("knee", "ankle", "heel", "foot_index")


def _sided(side: str, parts: tuple[str, ...]) -> list[int]:
    return [_at(f"{side}_{part}") for part in parts]


_ARMS = _sided("left", _ARM) + _sided("right", _ARM)
_CAPSULES = (
    (_TRUNK, [*_ARMS, *_sided("left", ("shoulder", "hip")), *_sided("right", ("shoulder", "hip"))]),
    (_HEAD, list(range(11))),
    (_LEFT_THIGH, _sided("right", _LEG) + _ARMS),
    (_RIGHT_THIGH, _sided("left", _LEG) + _ARMS),
    (_LEFT_SHANK, _sided("right", _LEG)),
    (_RIGHT_SHANK, _sided("left", _LEG)),
)


def hidden_by_body(points_m: Float[Tensor, "B T P 3"]) -> Float[Tensor, "B T P"]:
    """From 0 (seen) to 1 (behind the trunk or another limb), by lines of sight through capsules.

    Args:
        points_m: landmarks in the camera frame.
    """
    # Coordinate by coordinate and keypoint by keypoint: long contiguous rows are several times
    # faster on a CPU than triplets.
    x, y, z = points_m.permute(3, 2, 0, 1).contiguous().unbind(0)  # each (P, B, T)
    z = z.clamp(min=0.1)
    flat = torch.stack([x / z, y / z, z])  # (3, P, B, T)
    hidden = torch.zeros_like(z)
    for (first, second, radius), rows in _CAPSULES:
        start = (flat[:, _at(first[0])] + flat[:, _at(first[1])]) / 2
        end = (flat[:, _at(second[0])] + flat[:, _at(second[1])]) / 2
        share = _behind(flat[:, rows], start, end, radius)
        hidden[rows] = torch.maximum(hidden[rows], share)
    return hidden.permute(1, 2, 0)


def _behind(points: Tensor, start: Tensor, end: Tensor, radius: float) -> Tensor:
    """How far inside the capsule's outline each point lies, if it is behind.

    Shape:
        points ``(3, P, B, T)``: x / z, y / z, z; start and end ``(3, B, T)``.
    """
    x, y, z = points
    along_x, along_y, along_z = end - start
    span = (along_x * along_x + along_y * along_y).clamp(min=1e-9)
    off_x, off_y = x - start[0], y - start[1]
    share = ((off_x * along_x + off_y * along_y) / span).clamp(0, 1)
    depth = start[2] + share * along_z
    off_x, off_y = off_x - share * along_x, off_y - share * along_y
    distance_m = (off_x * off_x + off_y * off_y).sqrt() * depth
    inside = (2 - distance_m * (2 / radius)).clamp(0, 1)
    return inside * (z > depth + 0.4 * radius)
