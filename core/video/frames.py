"""One decoded picture, upright."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from core.video.facts import DecodeReport, FrameSelection, VideoFacts, VideoLimits

__all__ = ["DecodeReport", "Frame", "FrameSelection", "VideoFacts", "VideoLimits"]


@dataclass(frozen=True, eq=False)
class Frame:
    """One decoded picture, upright.

    Attributes:
        index: position among the decoded pictures of the file, counted from 0 before any
            selection.
        time_s: presentation time on the file's own clock, as ffprobe's ``pts_time`` has it.
            Strictly increasing from frame to frame; it may start above or below zero.
        rgb: contiguous in memory, rotation applied, pixels made square.
    """

    index: int
    time_s: float
    rgb: UInt8[np.ndarray, "height width 3"]
