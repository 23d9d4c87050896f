"""What flows through the pipeline: stretches of tracks, first in 2D, then with their 3D.

A chunk is a contiguous run of *used* frames: those left after the time range, stride and rate limit
of a job. All chunks of a job have the same number of persons: ``max_persons`` slots, empty or not.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64


@dataclass(frozen=True, eq=False)
class TrackChunk:
    """Who is where in the picture, over a run of frames.

    Attributes:
        frame_index: position of each frame among the decoded frames of the file, from 0.
        frame_time_s: true presentation time of each frame, strictly increasing.
        keypoints_px: MediaPipe's 33 landmarks, pixels of the upright frame, x right, y down.
            NaN where the person is absent.
        confidence: in [0, 1]; NaN where the person is absent.
        observed: true where a detector saw the person. False where we interpolated over a short
            gap (the values are finite) or nobody was there (the values are NaN).
        hint_m: the estimator's own 3D, if it has one: metres, hip-centred, camera axes (x right,
            y down, z away). NaN where there is none.
    """

    frame_index: Int64[np.ndarray, "frames"]
    frame_time_s: Float64[np.ndarray, "frames"]
    keypoints_px: Float32[np.ndarray, "persons frames 33 2"]
    confidence: Float32[np.ndarray, "persons frames 33"]
    observed: Bool[np.ndarray, "persons frames"]
    hint_m: Float32[np.ndarray, "persons frames 33 3"] | None = None

    def __len__(self) -> int:
        """How many frames."""
        return len(self.frame_index)

    @property
    def persons(self) -> int:
        """How many slots for people, filled or not."""
        return self.observed.shape[0]

    @property
    def present(self) -> Bool[np.ndarray, "persons frames"]:
        """Where there is a person at all, seen or interpolated."""
        return self.observed | np.isfinite(self.keypoints_px).any(axis=(-2, -1))


@dataclass(frozen=True, eq=False)
class PoseChunk:
    """The same run of frames with the lifted joints.

    Attributes:
        track: the 2D it was lifted from.
        joints_m: the 28 joints, metres, relative to the pelvis, camera axes (x right, y down,
            z away from the camera). NaN where the person is absent.
        sigma_m: how far each joint may be off: one standard deviation, metres. NaN where absent.
    """

    track: TrackChunk
    joints_m: Float32[np.ndarray, "persons frames 28 3"]
    sigma_m: Float32[np.ndarray, "persons frames 28"]

    def __len__(self) -> int:
        """How many frames."""
        return len(self.track)
