"""Tells people from what a pose network dreams up on table legs and shadows.

Confidence does not: a dreamt pose is as sure of itself as a real one. Its proportions do.
"""

import math

from core.keypoints.protocol import Detection
from core.skeleton import KEYPOINT_NAMES
from core.tracking.sightings import measure

# MediaPipe's 3D is scaled to an average body, with about 0.46 m from the hips to the shoulders. On
# real clips people had 0.36 to 0.57 m, whatever their pose; dreams mostly 0.03 to 0.3 m.
_SHORTEST_TORSO_M = 0.33
# Body size (a third of standing height) in longer sides of the picture. The person detector works
# at 224 x 224 pixels and cannot see anybody this small.
_SMALLEST_SIZE = 0.015

_LEFT_SHOULDER, _RIGHT_SHOULDER, _LEFT_HIP, _RIGHT_HIP = (
    KEYPOINT_NAMES.index(f"{side}_{part}")
    for part in ("shoulder", "hip")
    for side in ("left", "right")
)


def looks_like_a_body(detection: Detection, width: int, height: int) -> bool:
    """Whether a detection has the proportions and the size of somebody who can be seen.

    Args:
        detection: with its 3D hint; without one, only the size is looked at.
        width: of the picture, in pixels.
        height: of the picture, in pixels.
    """
    sighting = measure(detection)
    if sighting is None or sighting.size_px < _SMALLEST_SIZE * max(width, height):
        return False
    if detection.hint_m is None:
        return True
    hint_m = detection.hint_m
    shoulders = hint_m[_LEFT_SHOULDER] + hint_m[_RIGHT_SHOULDER]
    hips = hint_m[_LEFT_HIP] + hint_m[_RIGHT_HIP]
    return math.dist(shoulders, hips) / 2 >= _SHORTEST_TORSO_M
