"""The video's own pictures at the times of a result, one by one."""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import Interpolation
from jaxtyping import Float64
from PIL import Image

from core.errors import RangeOutsideVideo, VideoMismatch
from core.results.reader import PoseResult
from core.video.stream import Frame, FrameSelection, VideoFacts, probe, stream_frames

_TOLERANCE_S = 2e-3  # the result holds the same times; copies of a video may round them
_TOLERANCE_OF_SHAPE = 0.02


class Footage:
    """The video that a result was made from, or a scaled copy of it.

    Raises:
        VideoMismatch: the pictures have another shape than the result says.
    """

    def __init__(self, video: Path, result: PoseResult) -> None:
        source = result.manifest.source
        self._facts: VideoFacts = probe(video)
        self._video = video
        self.size_px = source.width_px, source.height_px
        """Width and height of the pictures that the result's keypoints belong to."""
        shape = self._facts.width_px / self._facts.height_px
        if abs(shape * source.height_px / source.width_px - 1) > _TOLERANCE_OF_SHAPE:
            raise VideoMismatch(
                f"{video.name} has pictures of {self._facts.width_px} x {self._facts.height_px} "
                f"pixels; the result was made from {source.width_px} x {source.height_px}."
            )

    def pictures(
        self, times_s: Float64[np.ndarray, "times"], size_px: tuple[int, int]
    ) -> Iterator[Image.Image | None]:
        """One picture for each time, None where the video has none; decodes the range once.

        Args:
            times_s: presentation times, increasing.
            size_px: width and height to scale to.

        Raises:
            VideoMismatch: the video has no picture at any of the times.
        """
        frames = self._frames_from(float(times_s.min(initial=np.inf)))
        frame, following = None, next(frames, None)
        matched = len(times_s) == 0
        for time_s in times_s:
            while following is not None and following.time_s <= time_s + _TOLERANCE_S:
                frame, following = following, next(frames, None)
            found = frame is not None and abs(frame.time_s - time_s) <= _TOLERANCE_S
            matched |= found
            yield _scaled(frame, size_px) if frame is not None and found else None
        if not matched:
            raise VideoMismatch(f"{self._video.name} has no picture at the times of this result.")

    def _frames_from(self, time_s: float) -> Iterator[Frame]:
        start_s = max(0.0, time_s - self._facts.start_s - _TOLERANCE_S)
        try:
            yield from stream_frames(self._video, self._facts, FrameSelection(start_s=start_s))
        except RangeOutsideVideo:
            return


def _scaled(frame: Frame, size_px: tuple[int, int]) -> Image.Image:
    if frame.rgb.shape[1::-1] == size_px:
        return Image.fromarray(frame.rgb)
    # FFmpeg's scaler takes a third of Pillow's time.
    source = av.VideoFrame.from_ndarray(frame.rgb, "rgb24")
    scaled = source.reformat(*size_px, "rgb24", interpolation=Interpolation.AREA)
    return Image.fromarray(np.ascontiguousarray(scaled.to_ndarray()))
