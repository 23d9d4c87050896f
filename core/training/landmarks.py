"""MediaPipe's 33 landmarks on a 28-joint body, in 3D: where a detector would point, on average.

The two definitions differ, and nobody has published by how much: hips measure 17 cm across in
the capture, about 19 in what MediaPipe's points triangulate to, shoulders 36 in both; faces,
hands and heels are not in the capture at all. Every clip therefore gets its own random offsets
around the nominal places, in a frame that moves with the body.

Notation:
    B: windows, T: frames
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import normalize

from core.skeleton import BODY, KEYPOINT_NAMES
from core.training.dice import Dice

_JOINT = {name: BODY.index(name) for name in BODY.names}
_SPREAD_M = torch.full((len(KEYPOINT_NAMES),), 0.009)
for _name, _spread in {"shoulder": 0.013, "hip": 0.018, "heel": 0.012, "foot_index": 0.012}.items():
    for _side in ("left", "right"):
        _SPREAD_M[KEYPOINT_NAMES.index(f"{_side}_{_name}")] = _spread
_SPREAD_M[:11] = 0.007

# Left, up, forward in the head's frame, in units of the skull (upper neck to head top, 20 cm).
_FACE = {
    "nose": (0.0, 0.36, 0.58),
    "left_eye_inner": (0.08, 0.52, 0.44),
    "left_eye": (0.14, 0.52, 0.43),
    "left_eye_outer": (0.20, 0.52, 0.39),
    "left_ear": (0.38, 0.42, 0.02),
    "mouth_left": (0.13, 0.16, 0.46),
}


def place_landmarks(
    dice: Dice,
    joints_m: Float[Tensor, "batch frames 28 3"],
    time_s: Float[Tensor, "batch frames"],
    *,
    vary: Bool[Tensor, "batch"],
    fitted: Bool[Tensor, "batch"] | None = None,
) -> Float[Tensor, "batch frames 33 3"]:
    """Landmarks in the frame of the joints (y up); nominal and steady faces unless ``vary``.

    Where ``fitted``, hips and shoulders are those of a motion capture's skeleton, as projected 3D
    datasets have them: hips 23 to 29 cm apart, shoulders up to 6 cm closer than on the surface.
    """
    doubt = vary.float()[:, None, None]
    points: dict[str, Tensor] = {}
    torso = _torso_axes(joints_m)
    points |= _face(dice, joints_m, torso, time_s, doubt)
    for side, outward in (("left", 1.0), ("right", -1.0)):
        points |= _arm(dice, joints_m, time_s, side, doubt)
        points |= _leg(dice, joints_m, torso, side, outward, doubt)
    stacked = torch.stack([points[name] for name in KEYPOINT_NAMES], dim=2)
    batch = len(joints_m)
    offset = dice.normal((batch, 1, len(KEYPOINT_NAMES), 3)) * _SPREAD_M[:, None]
    offset = offset * doubt[..., None]
    if fitted is not None:
        offset = offset + _fitted_skeleton(dice, batch) * fitted[:, None, None, None]
    return stacked + offset @ torso  # offsets are rows in (left, up, forward)


def _fitted_skeleton(dice: Dice, batch: int) -> Float[Tensor, "batch 1 33 3"]:
    """How far a capture's hips lie outside, and its shoulders inside, of what is seen."""
    offset = torch.zeros(batch, 1, len(KEYPOINT_NAMES), 3)
    hips, shoulders = dice.uniform((batch,), 0.02, 0.05), -dice.uniform((batch,), 0.0, 0.03)
    for side, outward in (("left", 1.0), ("right", -1.0)):
        offset[:, 0, KEYPOINT_NAMES.index(f"{side}_hip"), 0] = outward * hips
        offset[:, 0, KEYPOINT_NAMES.index(f"{side}_shoulder"), 0] = outward * shoulders
    return offset


def _torso_axes(joints_m: Tensor) -> Float[Tensor, "batch frames 3 3"]:
    """Rows: the person's left, up along the trunk, forward."""
    across = joints_m[..., _JOINT["left_shoulder"], :] - joints_m[..., _JOINT["right_shoulder"], :]
    hips = joints_m[..., _JOINT["left_hip"], :] - joints_m[..., _JOINT["right_hip"], :]
    up = normalize(joints_m[..., _JOINT["neck"], :] - joints_m[..., _JOINT["pelvis"], :], dim=-1)
    return _axes(across + hips, up)


def _axes(left: Tensor, up: Tensor) -> Tensor:
    """Orthonormal rows (left, up, forward), keeping ``up``."""
    forward = normalize(torch.linalg.cross(left, up), dim=-1)
    return torch.stack([torch.linalg.cross(up, forward), up, forward], dim=-2)


def _per_clip(dice: Dice, batch: int, sigma: float, mean: float = 0.0) -> Tensor:
    return dice.normal((batch, 1, 1), sigma, mean)


def _turn(axes: Tensor, first: int, second: int, angle: Tensor) -> Tensor:
    """Rotate two of three row vectors in their common plane."""
    rows = list(axes.unbind(-2))
    sine, cosine = angle.sin()[..., None], angle.cos()[..., None]
    rows[first], rows[second] = (
        cosine * rows[first] + sine * rows[second],
        cosine * rows[second] - sine * rows[first],
    )
    return torch.stack(rows, -2)


def _face(
    dice: Dice, joints_m: Tensor, torso: Tensor, time_s: Tensor, doubt: Tensor
) -> dict[str, Tensor]:
    """A head that may look elsewhere than the chest: the capture knows its tilt, not its turn."""
    batch = len(joints_m)
    base = joints_m[..., _JOINT["head"], :]
    spine = joints_m[..., _JOINT["head_top"], :] - base
    scale = spine.norm(dim=-1, keepdim=True)
    axes = _axes(torso[..., 0, :], spine / scale.clamp(min=1e-6))
    memory_s = dice.log_uniform((batch,), 0.4, 3.0)
    look = dice.drift(time_s, memory_s, (2,)) * doubt
    axes = _turn(axes, 2, 0, look[..., 0] * 0.4)
    axes = _turn(axes, 1, 2, look[..., 1] * 0.12 + dice.normal((batch, 1), 0.15) * doubt[..., 0])
    size = scale * (1 + _per_clip(dice, batch, 0.05) * doubt)
    shift = dice.normal((batch, 1, 3), 0.06) * doubt
    points = {}
    for name, place in _FACE.items():
        for label, sign in ((_other_side(name), -1.0), (name, 1.0)):
            local = torch.tensor([sign * place[0], place[1], place[2]]) + shift
            points[label] = base + size * (local[..., None, :] @ axes).squeeze(-2)
    return points


def _other_side(name: str) -> str:
    return name.replace("left", "right")


def _arm(
    dice: Dice, joints_m: Tensor, time_s: Tensor, side: str, doubt: Tensor
) -> dict[str, Tensor]:
    batch = len(joints_m)
    shoulder, elbow, wrist, hand = (
        joints_m[..., _JOINT[f"{side}_{name}"], :]
        for name in ("shoulder", "elbow", "wrist", "hand")
    )
    forearm = wrist - elbow
    palm = hand - wrist
    # Which way the palm faces is unknown: some direction across the hand, slowly turning.
    memory_s = dice.log_uniform((batch,), 0.5, 3.0)
    facing = dice.drift(time_s, memory_s, (3,))
    across = normalize(torch.linalg.cross(facing, palm), dim=-1)
    length = palm.norm(dim=-1, keepdim=True)
    along = 1 + _per_clip(dice, batch, 0.15) * doubt
    return {
        f"{side}_shoulder": shoulder,
        f"{side}_elbow": elbow + (elbow - shoulder) * _per_clip(dice, batch, 0.02) * doubt,
        # The capture's wrists lie at 0.92 of the way to the marker; detectors point a bit farther.
        f"{side}_wrist": wrist + forearm * (0.04 + _per_clip(dice, batch, 0.03) * doubt),
        f"{side}_index": wrist + palm * along * 0.95 + across * length * 0.22,
        f"{side}_pinky": wrist + palm * along * 0.85 - across * length * 0.27,
        f"{side}_thumb": wrist + palm * along * 0.4 + across * length * 0.28,
    }


def _leg(
    dice: Dice, joints_m: Tensor, torso: Tensor, side: str, outward: float, doubt: Tensor
) -> dict[str, Tensor]:
    batch = len(joints_m)
    hip, knee, ankle, ball, toe = (
        joints_m[..., _JOINT[f"{side}_{name}"], :]
        for name in ("hip", "knee", "ankle", "foot", "toe")
    )
    # 17 cm across in the capture, 19 for MediaPipe; some 2D comes with hips as wide as 26.
    wider = 0.01 + _per_clip(dice, batch, 0.008) * doubt
    wide_layout = dice.chance((batch, 1, 1), 0.2) * dice.uniform((batch, 1, 1), 0.0, 0.04) * doubt
    instep = ball - ankle
    length = instep.norm(dim=-1, keepdim=True)
    direction = instep / length.clamp(min=1e-6)
    shank = normalize(ankle - knee, dim=-1)
    below = shank - (shank * direction).sum(-1, keepdim=True) * direction
    below = normalize(below, dim=-1, eps=1e-3)
    reach = 0.7 + _per_clip(dice, batch, 0.2) * doubt
    return {
        f"{side}_hip": hip + torso[..., 0, :] * outward * (wider + wide_layout),
        f"{side}_knee": knee + (knee - hip) * _per_clip(dice, batch, 0.015) * doubt,
        f"{side}_ankle": ankle + (ankle - knee) * _per_clip(dice, batch, 0.015) * doubt,
        # With a level sole the heel is 6.5 cm below and 4.5 cm behind the ankle joint.
        f"{side}_heel": ankle + length * (-0.07 * direction + 0.63 * below),
        f"{side}_foot_index": ball + (toe - ball) * reach,
    }
