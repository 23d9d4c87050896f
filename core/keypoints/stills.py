"""People in a single picture.

The person detector sees the whole picture at 224 x 224 pixels, and overlooks people who are
small in it. If it finds nobody, we look again at parts of the picture, and then once more around
whoever turned up.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import UInt8

from core.keypoints.protocol import Detection, ReadsPictures
from core.tracking.sightings import Sighting, measure

_PART = 0.5  # side of a part, in sides of the picture
_STEPS = 3
_AROUND = 0.8  # half the closer look's side, in sides of the person's box
_SMALLEST_PART_PX = 64
_SUREST_ENOUGH = 0.5  # in a small part the detector also sees people where there are none


def read_still(
    landmarker: ReadsPictures, rgb: UInt8[np.ndarray, "height width 3"]
) -> Sequence[Detection]:
    """People in the picture, the most prominent (size times confidence) first."""
    found = [(d, s) for d in landmarker.read(rgb, 0.0) if (s := measure(d)) is not None]
    if not found:
        found = _closer_look(landmarker, rgb)
    found.sort(key=lambda pair: -pair[1].size_px * pair[1].body_confidence)
    return [detection for detection, _ in found]


def _closer_look(
    landmarker: ReadsPictures, rgb: UInt8[np.ndarray, "height width 3"]
) -> list[tuple[Detection, Sighting]]:
    """The one person who is seen most surely in a part of the picture, if anybody."""
    height, width = rgb.shape[:2]
    candidates = [
        sighting
        for left, top in _part_corners(width, height)
        for detection in _read_part(
            landmarker, rgb, left, top, left + int(width * _PART), top + int(height * _PART)
        )
        if (sighting := measure(detection)) is not None
    ]
    if not candidates:
        return []
    surest = max(candidates, key=lambda sighting: sighting.body_confidence)
    low, high = surest.keypoints_px.min(0), surest.keypoints_px.max(0)
    half_px = _AROUND * float((high - low).max())
    left, top = map(int, np.maximum((low + high) / 2 - half_px, 0))
    right, bottom = map(int, np.minimum((low + high) / 2 + half_px, (width, height)))
    if min(right - left, bottom - top) < _SMALLEST_PART_PX:
        return []
    around = _read_part(landmarker, rgb, left, top, right, bottom)
    seen = [(d, s) for d in around if (s := measure(d)) is not None]
    return [pair for pair in seen if pair[1].body_confidence >= _SUREST_ENOUGH]


def _part_corners(width: int, height: int) -> Iterator[tuple[int, int]]:
    if min(width, height) * _PART < _SMALLEST_PART_PX:
        return
    for row in range(_STEPS):
        for column in range(_STEPS):
            share = (1 - _PART) / (_STEPS - 1)
            yield int(column * share * width), int(row * share * height)


def _read_part(
    landmarker: ReadsPictures,
    rgb: UInt8[np.ndarray, "height width 3"],
    left: int,
    top: int,
    right: int,
    bottom: int,
) -> list[Detection]:
    """People in a part of the picture, in pixels of the whole."""
    corner = np.array([left, top], np.float32)
    return [
        Detection(found.keypoints_px + corner, found.confidence, found.hint_m)
        for found in landmarker.read(rgb[top:bottom, left:right], 0.0)
    ]
