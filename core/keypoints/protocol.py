"""What every 2D keypoint estimator promises, so that the rest never asks which one it is."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

import numpy as np
from jaxtyping import Float32, Float64, UInt8

from core.video.frames import Frame


@dataclass(frozen=True, eq=False)
class Detection:
    """One person in one frame, as the estimator saw them.

    Attributes:
        keypoints_px: MediaPipe's 33 landmarks, pixels of the upright frame, x right, y down;
            (0, 0) is the top left corner of the top left pixel. May lie outside the frame.
        confidence: in [0, 1]; how likely the keypoint is visible where it is said to be.
        hint_m: the estimator's own 3D, if it has one: metres, hip-centred, x right, y down,
            z away from the camera.
        alignment_px: where BlazePose would look for them in the next picture: the middle of the
            hips, and a point on the circle around the body.
    """

    keypoints_px: Float32[np.ndarray, "33 2"]
    confidence: Float32[np.ndarray, "33"]
    hint_m: Float32[np.ndarray, "33 3"] | None = None
    alignment_px: Float64[np.ndarray, "2 2"] | None = None


@runtime_checkable
class KeypointEstimator(Protocol):
    """Finds people in frames. Made for one video: frames come in order, once."""

    def estimate(self, frame: Frame) -> Sequence[Detection]:
        """People in this frame, in no stable order, none if nobody is seen."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


@runtime_checkable
class LooksAhead(Protocol):
    """An estimator that does better with the frames to come in hand; only so many at a time."""

    def observe(self, frames: Iterable[Frame]) -> Iterator[tuple[Frame, Sequence[Detection]]]:
        """People in each frame of the video, frame after frame."""
        ...


@runtime_checkable
class ReadsPictures(Protocol):
    """What is needed of an estimator to search a single picture."""

    def read(self, rgb: UInt8[np.ndarray, "height width 3"], time_s: float) -> Sequence[Detection]:
        """People in this picture, in no stable order."""
        ...


@runtime_checkable
class ReadsVideo(ReadsPictures, Protocol):
    """A pose landmarker that may remember from picture to picture whom it saw."""

    def forget(self) -> bool:
        """Lose whoever is tracked.

        Returns:
            Whether it worked.
        """
        ...

    def close(self) -> None:
        """Give back what is its own; may be called twice."""
        ...


@runtime_checkable
class TakesOver(Protocol):
    """A tracking landmarker that goes on from what another one has seen."""

    def take_over(self, detection: Detection, time_s: float) -> bool:
        """Track this person from the picture after the one they were seen in.

        Returns:
            Whether it is known where to look for them.
        """
        ...
