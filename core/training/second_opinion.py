"""The 3D that a 2D detector gives away for free, with errors like the real one's.

MediaPipe's world landmarks see the image, so they know things about depth that no 2D keypoint
tells; but they tilt, flatten and wander, and do not keep bones at one length. The magnitudes are
those of docs/detector-noise.md: runs of the detector against each other, scaled up to the error
of 82 mm (12 limb joints, after Procrustes) that was measured against a four-camera reference.

Notation:
    B: windows, T: frames, P: the 33 keypoints
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from core.models.normalise import look_at
from core.skeleton import KEYPOINT_MIRROR, KEYPOINT_NAMES
from core.training.dice import Dice

_MIRROR = torch.from_numpy(KEYPOINT_MIRROR)
_HIPS = [KEYPOINT_NAMES.index(f"{side}_hip") for side in ("left", "right")]
_USUAL_TRUNK_M = 0.47

_BIAS_MEMORY_S = (3.0, 30.0)
_DRIFT_MEMORY_S = (0.15, 0.4)
# Degrees about the camera's right (tilt), down (turn) and forward (roll) axes.
_TURN_BIAS = torch.tensor([5.0, 4.5, 2.0]).deg2rad()
_TURN_DRIFT = torch.tensor([4.5, 8.0, 2.0]).deg2rad()

# Centimetres: bias sideways, drift sideways, bias in depth, drift in depth.
_HAND, _FACE = (5.0, 3.5, 8.0, 3.2), (4.0, 3.0, 4.8, 3.2)
_ERROR_CM = {
    "shoulder": (4.0, 2.0, 4.0, 1.6), "elbow": (2.5, 2.0, 1.9, 2.0), "wrist": (3.0, 3.4, 6.0, 4.4),
    "pinky": _HAND, "index": _HAND, "thumb": _HAND, "hip": (2.4, 1.4, 3.4, 1.8),
    "knee": (3.0, 3.4, 4.4, 6.4), "ankle": (3.2, 4.0, 3.8, 7.0), "heel": (3.3, 4.2, 4.4, 7.2),
    "foot_index": (6.0, 5.0, 6.6, 7.4),
}  # fmt: skip
_FROM_ABOVE = {  # joint above, and how much of its error is passed on
    "wrist": ("elbow", 0.5), "pinky": ("wrist", 0.9), "index": ("wrist", 0.9),
    "thumb": ("wrist", 0.9), "ankle": ("knee", 0.45), "heel": ("ankle", 0.97),
    "foot_index": ("ankle", 0.8),
}  # fmt: skip
_SHARED_2D = 0.6
"""How much of the 2D error shows in the 3D as well."""


def _error_table() -> tuple[Tensor, Tensor]:
    """Metres per keypoint and axis: bias and drift."""
    centimetres = torch.tensor([_FACE] * len(KEYPOINT_NAMES))
    for part, row in _ERROR_CM.items():
        for side in ("left", "right"):
            centimetres[KEYPOINT_NAMES.index(f"{side}_{part}")] = torch.tensor(row)
    bias, drift, bias_z, drift_z = (centimetres / 100).unbind(1)
    return torch.stack([bias, bias, bias_z], 1), torch.stack([drift, drift, drift_z], 1)


def _carried() -> Float[Tensor, "P P"]:
    """Rows of unit length that make neighbours' errors alike, down the chains."""
    rows = torch.eye(len(KEYPOINT_NAMES))
    for part, (above, share) in _FROM_ABOVE.items():
        for side in ("left", "right"):
            row, source = (KEYPOINT_NAMES.index(f"{side}_{name}") for name in (part, above))
            rows[row] = share * rows[source]
            rows[row, row] = (1 - share * share) ** 0.5
    rows[1:11, 0] = 0.95  # a head is wrong as a whole
    rows[range(1, 11), range(1, 11)] = (1 - 0.95**2) ** 0.5
    left, right = _HIPS
    rows[right, left], rows[right, right] = 0.6, 0.8
    return rows


_BIAS_M, _DRIFT_M = _error_table()
_CARRIED = _carried()


def draw_hint(
    dice: Dice,
    points_m: Float[Tensor, "B T P 3"],
    time_s: Float[Tensor, "B T"],
    error_2d_m: Float[Tensor, "B T P 2"],
    swapped: Bool[Tensor, "B T P"],
) -> Float[Tensor, "B T P 3"]:
    """What the detector's own 3D would be.

    Args:
        dice: what chance decides.
        points_m: the true landmarks in the camera frame.
        time_s: of each frame.
        error_2d_m: of the 2D keypoints, at the person's depth.
        swapped: where the 2D keypoints have left and right confused; the 3D then often has too.

    Returns:
        Metres, hip-centred, in the frame of a camera that looks at the person.
    """
    batch = len(time_s)
    root = points_m[:, :, _HIPS].mean(2)  # (B, T, 3)
    towards = look_at(root[..., :2] / root[..., 2:].clamp(min=0.1))
    body = (points_m - root[:, :, None]) @ towards.mT
    body = body * _apparent_size(dice, body, time_s) * _flattening(dice, time_s)
    quality = dice.log_normal((batch, 1, 1, 1), 0.35, 0.95)
    body = body @ _turned(dice, time_s, quality[..., 0]).mT
    body = body + _wander(dice, time_s) * quality
    body = body + torch.nn.functional.pad(_SHARED_2D * error_2d_m, (0, 1))
    follows = dice.chance((batch, 1, 1), 0.5)
    body = torch.where((swapped & follows)[..., None], body[:, :, _MIRROR], body)
    return body - body[:, :, _HIPS].mean(2, keepdim=True)


def _two_paces(dice: Dice, time_s: Tensor, shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Unit-variance noise that lasts for seconds, and noise that lasts for tenths of a second."""
    batch = (len(time_s),)
    return (
        dice.drift(time_s, dice.log_uniform(batch, *_BIAS_MEMORY_S), shape),
        dice.drift(time_s, dice.log_uniform(batch, *_DRIFT_MEMORY_S), shape),
    )


def _apparent_size(dice: Dice, body: Tensor, time_s: Tensor) -> Float[Tensor, "B T 1 1"]:
    """The detector takes everybody for nearly the same height, children too."""
    trunk = (body[:, :, 11:13].mean(2) - body[:, :, 23:25].mean(2)).norm(dim=-1).mean(1)
    as_usual = (_USUAL_TRUNK_M / trunk.clamp(min=0.15)) ** dice.uniform((len(body),), 0.5, 1.0)
    lasting, passing = _two_paces(dice, time_s, (1, 1))
    return as_usual[:, None, None, None] * (0.08 * lasting + 0.035 * passing).exp()


def _flattening(dice: Dice, time_s: Tensor) -> Float[Tensor, "B T 1 3"]:
    lasting, passing = _two_paces(dice, time_s, (1, 1))
    return torch.nn.functional.pad((0.14 * (lasting + passing)).exp(), (2, 0), value=1.0)


def _turned(dice: Dice, time_s: Tensor, quality: Tensor) -> Float[Tensor, "B T 3 3"]:
    """The whole body tilted, turned and rolled."""
    lasting, passing = _two_paces(dice, time_s, (3,))
    x, y, z = ((lasting * _TURN_BIAS + passing * _TURN_DRIFT) * quality).unbind(-1)
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1)
    return torch.linalg.matrix_exp(cross.unflatten(-1, (3, 3)))


def _wander(dice: Dice, time_s: Tensor) -> Float[Tensor, "B T P 3"]:
    lasting, passing = _two_paces(dice, time_s, (len(KEYPOINT_NAMES), 3))
    return _CARRIED @ lasting * _BIAS_M + _CARRIED @ passing * _DRIFT_M
