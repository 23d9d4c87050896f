"""Pictures changed in ways that should not matter, and detections changed back."""

import av
import numpy as np
from jaxtyping import Float64, UInt8

from core.keypoints.protocol import Detection
from core.skeleton import KEYPOINT_MIRROR

_SMALLER = 0.6
_SHIFT = (0.13, 0.09)  # in widths and heights of the picture

Picture = UInt8[np.ndarray, "height width 3"]


def show(rgb: Picture, view: str) -> Picture:
    """The picture as the detector gets to see it."""
    height, width = rgb.shape[:2]
    if view == "mirrored":
        return np.ascontiguousarray(rgb[:, ::-1])
    if view == "smaller":
        small = _smaller(width, height)
        image = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(
            width=small[0], height=small[1], interpolation="BICUBIC"
        )
        return np.ascontiguousarray(image.to_ndarray(format="rgb24"))
    if view == "shifted":
        right, down = _shift(width, height)
        return np.pad(rgb, ((down, 0), (right, 0), (0, 0)))
    return rgb


def undo(person: Detection, view: str, size_px: Float64[np.ndarray, "2"]) -> Detection:
    """A detection in ``show``'s picture, in pixels of the unchanged one."""
    width, height = map(int, size_px)
    keypoints = person.keypoints_px.astype(np.float64)
    hint, confidence = person.hint_m, person.confidence
    if view == "mirrored":
        keypoints = (keypoints * [-1, 1] + [width, 0])[KEYPOINT_MIRROR]
        confidence = confidence[KEYPOINT_MIRROR]
        hint = None if hint is None else (hint * np.array([-1, 1, 1], np.float32))[KEYPOINT_MIRROR]
    if view == "smaller":
        keypoints = keypoints * (size_px / _smaller(width, height))
    if view == "shifted":
        keypoints = keypoints - _shift(width, height)
    return Detection(keypoints.astype(np.float32), confidence, hint)


def _smaller(width: int, height: int) -> tuple[int, int]:
    return int(width * _SMALLER) // 2 * 2, int(height * _SMALLER) // 2 * 2


def _shift(width: int, height: int) -> tuple[int, int]:
    return int(width * _SHIFT[0]), int(height * _SHIFT[1])
