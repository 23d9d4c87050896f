"""Stored pictures into upright RGB with square pixels."""

from fractions import Fraction

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from jaxtyping import UInt8

from core.video.frames import VideoFacts

# Pixels of real formats are between these; anything else is a damaged header.
_PLAUSIBLE_ASPECTS = (Fraction(1, 4), Fraction(4))


def clockwise_turn_deg(image: VideoFrame) -> int:
    """How far to turn a stored picture clockwise so that it stands upright: 0, 90, 180 or 270.

    The file may hold any angle; it is rounded to the nearest quarter turn.
    """
    return -90 * round(image.rotation / 90) % 360


def square_size(image: VideoFrame, pixel_aspect: Fraction | None) -> tuple[int, int]:
    """Width and height of a stored picture once its pixels are made square.

    The shorter side is stretched, so that no detail is lost.

    Args:
        image: as it came out of the decoder.
        pixel_aspect: width over height of one stored pixel; ``None`` or nonsense means square.
    """
    low, high = _PLAUSIBLE_ASPECTS
    if pixel_aspect is None or not low <= pixel_aspect <= high:
        return image.width, image.height
    if pixel_aspect >= 1:
        return round(image.width * pixel_aspect), image.height
    return image.width, round(image.height / pixel_aspect)


class UprightRgb:
    """Converts the pictures of one video; a picture of another size is scaled to the first's.

    Args:
        facts: of the video.
    """

    def __init__(self, facts: VideoFacts) -> None:
        self._turns = facts.rotation_deg // 90
        size = facts.width_px, facts.height_px
        self._width, self._height = size[::-1] if self._turns % 2 else size
        self._reformatter = VideoReformatter()  # keeps the conversion tables between pictures

    def __call__(self, image: VideoFrame) -> UInt8[np.ndarray, "height width 3"]:
        rgb = self._reformatter.reformat(image, self._width, self._height, "rgb24").to_ndarray()
        # Rows may be padded for alignment: readers that ignore strides would see a sheared picture.
        return np.ascontiguousarray(np.rot90(rgb, -self._turns))
