"""One MediaPipe Pose Landmarker with its oddities taken care of: arrays in, detections out.

Importing MediaPipe takes a second or two, so it is imported when the first landmarker is made.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float64, UInt8

from core.closing import Closing
from core.errors import AssetCorrupt
from core.keypoints.native_log import quiet_native_log
from core.keypoints.plausibility import looks_like_a_body
from core.keypoints.protocol import Detection

if TYPE_CHECKING:
    from mediapipe.tasks.python.vision.pose_landmarker import PoseLandmarker

_BLANK: UInt8[np.ndarray, "64 64 3"] = np.zeros((64, 64, 3), np.uint8)
_BLANK_ATTEMPTS = 5
_VISIBILITY_SMOOTHING = 0.1
_CHATTY_CALLS = 10  # the first landmarks of a process come with a harmless warning


class Mode(Enum):
    """What a landmarker carries from picture to picture.

    ``TRACKING`` follows one person: the last landmarks say where to look next, the detector runs
    only when there are none, and positions pass a causal One-Euro filter. ``SCOUTING`` looks for
    several, running the detector every time and smoothing nothing. ``STILL`` remembers nothing.
    """

    TRACKING = "tracking"
    SCOUTING = "scouting"
    STILL = "still"


class Landmarker(Closing):
    """Reads people out of pictures. Not thread-safe; landmarkers side by side are.

    Raises:
        AssetCorrupt: MediaPipe cannot load the bundle.
    """

    def __init__(self, bundle: Path, mode: Mode, max_persons: int = 1) -> None:
        self.mode = mode
        self._landmarker = _load(bundle, mode, max_persons)
        self._start_s: float | None = None
        self._offset_ms = 0
        self._last_ms = -1
        self._smoothed_visibility: np.ndarray | None = None
        self._chatty_calls = _CHATTY_CALLS

    def read(self, rgb: UInt8[np.ndarray, "height width 3"], time_s: float) -> list[Detection]:
        """People in this picture, in no stable order.

        Args:
            rgb: an upright picture. While tracking, all are of the same size.
            time_s: later than the picture before.
        """
        result = self._detect(np.ascontiguousarray(rgb), self._next_ms(time_s))
        height, width = rgb.shape[:2]
        people = zip(result.pose_landmarks, result.pose_world_landmarks, strict=True)
        found = [self._detection(image, world, width, height) for image, world in people]
        return [person for person in found if looks_like_a_body(person, width, height)]

    def forget(self) -> bool:
        """Lose whoever is tracked, by looking at a black picture; the next one is a fresh start.

        Returns:
            Whether it worked: False if MediaPipe still sees people in the dark.
        """
        for _ in range(_BLANK_ATTEMPTS):
            if not self._detect(_BLANK, self._last_ms + 1).pose_landmarks:
                return True
        return False

    def start_over(self) -> bool:
        """Forget everybody, and start a clock for another video."""
        self._start_s = None
        forgotten = self.forget()
        self._offset_ms = self._last_ms + 1
        return forgotten

    def close(self) -> None:
        """Give memory and threads back; may be called twice."""
        self._landmarker.close()

    def _detect(self, rgb: UInt8[np.ndarray, "height width 3"], time_ms: int) -> Any:  # noqa: ANN401
        import mediapipe as mp

        # mp.Image ignores strides: anything but a contiguous array comes out sheared.
        image = mp.Image(mp.ImageFormat.SRGB, rgb)
        self._last_ms = time_ms
        with quiet_native_log() if self._chatty_calls else nullcontext():
            if self.mode is Mode.STILL:
                result = self._landmarker.detect(image)
            else:
                result = self._landmarker.detect_for_video(image, time_ms)
        self._chatty_calls = 0 if result.pose_landmarks else max(0, self._chatty_calls - 1)
        return result

    def _next_ms(self, time_s: float) -> int:
        """MediaPipe wants whole milliseconds that strictly increase; beyond 1000 fps they lag."""
        if self._start_s is None:
            self._start_s = time_s
        elapsed_ms = round((time_s - self._start_s) * 1000)
        return max(self._last_ms + 1, self._offset_ms + elapsed_ms)

    def _detection(
        self, image: Sequence[Any], world: Sequence[Any], width: int, height: int
    ) -> Detection:
        keypoints_px = np.array([(point.x * width, point.y * height) for point in image])
        visibility = np.array([point.visibility for point in image], np.float64)
        presence = np.array([point.presence for point in image], np.float64)
        if self.mode is Mode.TRACKING:
            visibility = self._unsmoothed(visibility)
        return Detection(
            keypoints_px=keypoints_px.astype(np.float32),
            confidence=np.clip(visibility * presence, 0, 1).astype(np.float32),
            hint_m=np.array([(point.x, point.y, point.z) for point in world], np.float32),
        )

    def _unsmoothed(self, smoothed: Float64[np.ndarray, "33"]) -> Float64[np.ndarray, "33"]:
        """Visibility as the network said it.

        While tracking, MediaPipe passes visibility through ``y[t] = 0.1 x[t] + 0.9 y[t - 1]``,
        which keeps a hidden arm "visible" for ten frames. The filter is never reset and its output
        known, so it can be undone.

        Source: ``low_pass_filter.cc`` and ``visibility_smoothing_calculator.cc``, MediaPipe.
        """
        before = smoothed if self._smoothed_visibility is None else self._smoothed_visibility
        self._smoothed_visibility = smoothed
        return before + (smoothed - before) / _VISIBILITY_SMOOTHING


def _load(bundle: Path, mode: Mode, max_persons: int) -> "PoseLandmarker":
    from mediapipe.tasks.python.core.base_options import BaseOptions
    from mediapipe.tasks.python.vision.core.vision_task_running_mode import VisionTaskRunningMode
    from mediapipe.tasks.python.vision.pose_landmarker import PoseLandmarker, PoseLandmarkerOptions

    still = mode is Mode.STILL
    options = PoseLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=str(bundle)),
        running_mode=VisionTaskRunningMode.IMAGE if still else VisionTaskRunningMode.VIDEO,
        num_poses=max_persons,
    )
    try:
        with quiet_native_log():
            return PoseLandmarker.create_from_options(options)
    except (RuntimeError, ValueError, OSError) as error:
        reason = str(error).splitlines()[0][:300]
        raise AssetCorrupt(f"MediaPipe cannot load {bundle.name}: {reason}") from error
