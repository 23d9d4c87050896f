"""All measurements of one job, taken while its frames pass."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from core.chunks import PoseChunk
from core.quality.camera import CameraWatch
from core.quality.feet import CutOffWatch, SlideWatch
from core.quality.footage import FootageWatch
from core.quality.steadiness import ShakeWatch


@dataclass(frozen=True)
class Measured:
    """What was measured; None where it could not be told.

    Attributes:
        shorter_side_px: of the upright picture.
        fps: used frames a second, on average.
        step_variation: standard deviation of the time between used frames, as a share of its mean.
        person_px: the longer side of a person's keypoints, on average.
        feet_cut_off_share: of the poses, those with neither foot in the picture.
        foot_slide_m: how far feet that stand slide in the result, root mean square.
        shaking_share: of the poses, those that shook before smoothing.
        camera_moved_share: of the half seconds, those in which the camera moved.
    """

    shorter_side_px: int | None = None
    fps: float | None = None
    step_variation: float | None = None
    person_px: float | None = None
    feet_cut_off_share: float = 0.0
    foot_slide_m: float | None = None
    shaking_share: float | None = None
    camera_moved_share: float | None = None


class QualityWatch:
    """Sees the pictures, the people, the poses before smoothing, and those that are written.

    Memory does not grow with the video: only sums are kept.

    Attributes:
        camera: to be shown pictures and people; it may be left out for keypoints without a video.
    """

    def __init__(self) -> None:
        self.camera = CameraWatch()
        self._shake = ShakeWatch()
        self._footage = FootageWatch()
        self._slide = SlideWatch()
        self._cut_off: CutOffWatch | None = None
        self._shorter_side_px: int | None = None
        self._last_s = 0.0

    def unsmoothed(
        self, poses: Iterable[PoseChunk], width_px: int, height_px: int
    ) -> Iterator[PoseChunk]:
        """Pass on poses as the lifter gave them, in the frame of this size."""
        self._cut_off = CutOffWatch(width_px, height_px)
        self._shorter_side_px = min(width_px, height_px)
        return self._shake.watching(poses)

    def written(self, chunk: PoseChunk) -> None:
        """The next stretch of the result."""
        if self._cut_off is not None:
            self._cut_off.add(chunk)
        self._footage.add(chunk)
        self._slide.add(chunk)
        if len(chunk):
            self._last_s = float(chunk.track.frame_time_s[-1])

    def measured(self) -> Measured:
        """Everything, once the last stretch was written."""
        self._slide.finish(self._last_s)
        return Measured(
            shorter_side_px=self._shorter_side_px,
            fps=self._footage.fps,
            step_variation=self._footage.step_variation,
            person_px=self._footage.person_px,
            feet_cut_off_share=0.0 if self._cut_off is None else self._cut_off.cut_off_share,
            foot_slide_m=self._slide.slide_m(),
            shaking_share=self._shake.shaking_share,
            camera_moved_share=self.camera.report.moved_share,
        )
