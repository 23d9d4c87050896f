"""What the landmark network says about one crop, decoded.

:mod:`core.keypoints.blazepose.landmarks` does it for batches of crops. For one crop on a CPU its
small steps take PyTorch four times as long as NumPy, all of it while other threads have to wait.

Notation: L = 35 landmarks that are used, S = 64 cells of a heat map's side, K = 7 cells of the part
that is looked at.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Float64

from core.keypoints.blazepose.landmarks import CROP_SIDE_PX, KEYPOINTS, NUMBERS, REACH, SURE

_USED = KEYPOINTS + 2  # the alignment points come next
_LANDMARK = np.arange(_USED)[:, None, None]
_AROUND = np.arange(-REACH, REACH + 1)
_MOMENTS = np.array([[1, column, row] for row in _AROUND for column in _AROUND], np.float32)
"""Of the K x K cells around a landmark: their mass, and where its centre is."""
_DEEPEST = -80.0  # a sigmoid of less is 0, and its exponential overflows
_LEAST = np.finfo(np.float32).tiny


@dataclass(frozen=True, eq=False)
class Landmarks:
    """A person as the landmark network saw them.

    Attributes:
        points: of the body, then the two alignment points; in sides of the crop.
        confidence: of the body's; visibility times presence, in [0, 1].
        world_m: of the body's; metres, hip-centred, along the crop's axes.
        presence: whether there is a person in the crop at all, in [0, 1].
    """

    points: Float64[np.ndarray, "35 2"]
    confidence: Float32[np.ndarray, "33"]
    world_m: Float64[np.ndarray, "33 3"]
    presence: float


def decode_landmarks(
    landmarks: Float32[np.ndarray, "195"],
    presence: Float32[np.ndarray, "1"],
    heat_maps: Float32[np.ndarray, "height width 39"],
    world: Float32[np.ndarray, "117"],
) -> Landmarks:
    """Decode the network's four outputs.

    Source: as of the same function for batches.
    """
    numbers = landmarks.reshape(-1, NUMBERS)[:_USED]
    visible_present = _sigmoid(numbers[:KEYPOINTS, 3:])
    return Landmarks(
        points=_refine(numbers[:, :2] / np.float32(CROP_SIDE_PX), heat_maps).astype(np.float64),
        confidence=visible_present[:, 0] * visible_present[:, 1],
        world_m=world.reshape(-1, 3)[:KEYPOINTS].astype(np.float64),
        presence=float(presence[0]),
    )


def _refine(
    points: Float32[np.ndarray, "35 2"], heat_maps: Float32[np.ndarray, "height width 39"]
) -> Float32[np.ndarray, "35 2"]:
    """Move each landmark to the heat map's centre of mass around it, where the map is sure."""
    height, width, depth = heat_maps.shape
    size = np.array([width, height])
    centre = (points * size).astype(np.int64)  # (L, 2)
    cells = centre[:, :, None] + _AROUND  # (L, 2, K): columns, rows
    inside = np.minimum(np.maximum(cells, 0), size[:, None] - 1)
    place = inside[:, 1, :, None] * width + inside[:, 0, None, :]  # (L, K, K)
    heat = _sigmoid(heat_maps.reshape(-1).take(place * depth + _LANDMARK))
    known = cells == inside
    if not known.all():
        heat *= known[:, 1, :, None] & known[:, 0, None, :]
    heat = heat.reshape(len(heat), -1)  # (L, K * K)
    mass = heat @ _MOMENTS  # (L, 3)
    mean = centre + mass[:, 1:] / np.maximum(mass[:, :1], _LEAST)
    on_map = (centre >= 0).all(1) & (centre[:, 0] < width)
    moved = on_map & (heat.max(1) >= SURE)
    return np.where(moved[:, None], mean / size, points).astype(np.float32)


def _sigmoid(logits: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    numbers = np.maximum(logits, _DEEPEST)
    np.negative(numbers, out=numbers)
    np.exp(numbers, out=numbers)
    numbers += 1
    return np.divide(1, numbers, out=numbers)
