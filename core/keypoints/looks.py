"""What people wear, to tell somebody followed from whoever passes in front of them.

When two people overlap, a tracking landmarker may slide from one body onto the other, at a speed
that is still plausible. Colours do not slide. They do change, with light and as people turn; so
only a sudden change of colour together with a jerk of the body counts.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, UInt8

from core.skeleton import KEYPOINT_NAMES
from core.tracking.sightings import Sighting, compare

# Colours on real clips differ from those just before by 2 to 15 (median, of 255), 55 at the 99th
# percentile (low sun in the lens), and by about 100 on another person.
_ANOTHER = 60.0
_MEMORY_S = 0.15
# Body sizes per frame. Smoothed keypoints of one person move less.
_JERK = 0.2
_JERK_PER_S = 2.0
_SIZE_JERK = 0.1  # logarithm of the size ratio
_NEAR = 3.5  # body sizes; as far as the tracks would take somebody else for the hidden person

# Shares of the way from left to right, from the shoulders to the hips, and on to the knees.
_ACROSS, _DOWN = (0.25, 0.5, 0.75), (0.2, 0.4, 0.6, 0.8)
_ALONG_THIGH = (0.3, 0.5)
_CORNERS, _THIGHS = (
    np.array(
        [[KEYPOINT_NAMES.index(f"{side}_{part}") for part in parts] for side in ("left", "right")]
    )
    for parts in (("shoulder", "hip"), ("hip", "knee"))
)
_IN_TORSO = np.array(
    [
        [(1 - across) * (1 - down), (1 - across) * down, across * (1 - down), across * down]
        for across in _ACROSS
        for down in _DOWN
    ]
)
"""Of each point that is looked at, its share in each corner of the torso."""
_IN_THIGH = np.array([[1 - along, along] for along in _ALONG_THIGH])
_MEANS = np.repeat(np.eye(2), (len(_IN_TORSO), 2 * len(_IN_THIGH)), axis=1)
_MEANS /= _MEANS.sum(1, keepdims=True)
"""Of both parts, the share of each point that is looked at."""


@dataclass(frozen=True, eq=False)
class _Memory:
    look: Float64[np.ndarray, "parts colours"]
    last: Sighting
    time_s: float


class Looks:
    """Remembers how people look, by tracklet number."""

    def __init__(self) -> None:
        self._memories: dict[int, _Memory] = {}

    def learn(
        self,
        number: int,
        rgb: UInt8[np.ndarray, "height width 3"],
        sighting: Sighting,
        time_s: float,
    ) -> None:
        """Somebody is seen for certain."""
        look = _look(rgb, sighting)
        memory = self._memories.get(number)
        if memory is not None:
            share = 1 - np.exp((memory.time_s - time_s) / _MEMORY_S)
            look = memory.look + share * (look - memory.look)
        self._memories[number] = _Memory(look, sighting, time_s)

    def was_swapped(
        self,
        number: int,
        rgb: UInt8[np.ndarray, "height width 3"],
        sighting: Sighting,
        time_s: float,
    ) -> bool:
        """Whether a continuous track has gone over to another body since it was last learnt."""
        memory = self._memories.get(number)
        moved = None if memory is None else compare(memory.last, sighting)
        if memory is None or moved is None:
            return False
        jerk = float(np.hypot(*moved.shift_px)) / memory.last.size_px
        is_jerk = jerk > _JERK + _JERK_PER_S * (time_s - memory.time_s)
        is_resized = abs(float(np.log(moved.size_ratio))) > _SIZE_JERK
        return (is_jerk or is_resized) and _difference(memory.look, rgb, sighting) > _ANOTHER

    def is_stand_in(
        self, number: int, rgb: UInt8[np.ndarray, "height width 3"], sighting: Sighting
    ) -> bool:
        """Whether this is somebody else, in the place where a person was hidden from sight."""
        memory = self._memories.get(number)
        apart = None if memory is None else compare(memory.last, sighting)
        if memory is None or apart is None or apart.distance > _NEAR:
            return False
        return _difference(memory.look, rgb, sighting) > _ANOTHER

    def forget_all_but(self, numbers: set[int]) -> None:
        self._memories = {n: memory for n, memory in self._memories.items() if n in numbers}


def _difference(
    look: Float64[np.ndarray, "parts colours"],
    rgb: UInt8[np.ndarray, "height width 3"],
    sighting: Sighting,
) -> float:
    """Of the part that differs most, in steps of 255."""
    off = _look(rgb, sighting) - look
    return float(np.sqrt((off**2).mean(axis=1)).max())


def _look(
    rgb: UInt8[np.ndarray, "height width 3"], sighting: Sighting
) -> Float64[np.ndarray, "parts colours"]:
    """Mean colours of the torso and of the thighs."""
    torso = _IN_TORSO @ sighting.keypoints_px[_CORNERS.ravel()]
    thighs = (_IN_THIGH @ sighting.keypoints_px[_THIGHS]).reshape(-1, 2)
    points_px = np.concatenate([torso, thighs])
    points_px[np.isnan(points_px)] = 0
    height, width = rgb.shape[:2]
    columns, rows = np.minimum(np.maximum(points_px, 0), (width - 1, height - 1)).astype(int).T
    colours = rgb[rows, columns]
    return _MEANS @ colours
