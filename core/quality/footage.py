"""What the pictures themselves allow: how large people are in them, how often, how evenly."""

import numpy as np

from core.chunks import PoseChunk


class FootageWatch:
    """Running sums over times and sizes."""

    def __init__(self) -> None:
        self._steps = 0
        self._first_s: float | None = None
        self._last_s = 0.0
        self._squares = 0.0
        self._poses = 0
        self._sizes_px = 0.0

    def add(self, chunk: PoseChunk) -> None:
        """Count the next frames in."""
        time_s = chunk.track.frame_time_s
        if not len(time_s):
            return
        if self._first_s is None:
            self._first_s = self._last_s = float(time_s[0])
            steps_s = np.diff(time_s)
        else:
            steps_s = np.diff(time_s, prepend=self._last_s)
        self._steps += len(steps_s)
        self._squares += float(np.square(steps_s).sum())
        self._last_s = float(time_s[-1])
        keypoints_px = chunk.track.keypoints_px[chunk.track.observed]
        if len(keypoints_px):
            # Not NaN for keypoints that the estimator leaves out, as those of a user's file may be.
            known = np.isfinite(keypoints_px)
            low = np.where(known, keypoints_px, np.inf).min(axis=1)
            high = np.where(known, keypoints_px, -np.inf).max(axis=1)
            sizes_px = (high - low).max(axis=-1)
            self._poses += len(sizes_px)
            self._sizes_px += float(sizes_px.astype(np.float64).sum())

    @property
    def fps(self) -> float | None:
        """Used frames a second on average; None for fewer than two."""
        if self._steps == 0 or self._first_s is None:
            return None
        return self._steps / (self._last_s - self._first_s)

    @property
    def step_variation(self) -> float | None:
        """Standard deviation of the time from frame to frame, as a share of its mean."""
        if self._steps == 0 or self._first_s is None:
            return None
        mean_s = (self._last_s - self._first_s) / self._steps
        variance = max(0.0, self._squares / self._steps - mean_s**2)
        return float(np.sqrt(variance)) / mean_s

    @property
    def person_px(self) -> float | None:
        """The longer side of a person's keypoints, in pixels, on average; None for nobody."""
        return self._sizes_px / self._poses if self._poses else None
