"""Stored pictures into upright RGB with square pixels, in full size or as small as is enough."""

import numpy as np
from av.video.frame import VideoFrame
from jaxtyping import UInt8

from core.video.facts import VideoFacts
from core.video.frames import Frame
from core.video.stored import Shrink, SquareRgb, StoredPicture, fitted

__all__ = ["Shrink", "StoredPicture", "UprightRgb", "fitted"]


class UprightRgb:
    """Converts the pictures of one video; a picture of another size is scaled to the first's.

    Args:
        facts: of the video.
        longest_side_px: of the pictures that come out; None for the size that the facts tell.
    """

    def __init__(self, facts: VideoFacts, longest_side_px: int | None = None) -> None:
        self._turns = facts.rotation_deg // 90
        self._square = SquareRgb(facts, longest_side_px)

    def __call__(self, image: VideoFrame) -> UInt8[np.ndarray, "height width 3"]:
        rgb = self._square(image).to_ndarray()
        # Rows may be padded for alignment: readers that ignore strides would see a sheared picture.
        return np.ascontiguousarray(np.rot90(rgb, -self._turns))

    def frame(self, picture: StoredPicture) -> Frame:
        """The picture with its number and time, upright."""
        return Frame(picture.index, picture.time_s, self(picture.image))
