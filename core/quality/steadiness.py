"""How much joints shake from frame to frame, faster than bodies can move."""

from collections.abc import Iterable, Iterator

import numpy as np
from jaxtyping import Float64

from core.chunks import PoseChunk

SHAKING_M = 0.015
"""Root mean square over joints. At 30 frames a second it puts 0.6 m/s on every velocity."""
LEAST_FPS = 20.0
"""Below this, differences from frame to frame are as much movement as noise."""
_EVEN = 0.1
"""Steps of time may differ by this share; divided differences would amplify rounded times."""
_DIFFERENCES = np.array([-1.0, 3.0, -3.0, 1.0])


class ShakeWatch:
    """Estimates the noise of each frame from third differences.

    Independent errors of one size come out of a third difference with 20 times their variance
    (1 + 9 + 9 + 1), while movement at the 3 Hz of a fast step keeps a fifth of its size at 30
    frames a second, and slower movement next to nothing.

    Source: Shapiro, "Smoothing, filtering, and boundary effects", Rev. Geophys. 1970, for
    differences as filters; the noise estimate is the variate-difference method, Tintner 1940.
    """

    def __init__(self) -> None:
        self._frames = 0
        self._shaking = 0
        self._joints_m: Float64[np.ndarray, "persons held joints 3"] | None = None
        self._time_s = np.zeros(0)

    def watching(self, poses: Iterable[PoseChunk]) -> Iterator[PoseChunk]:
        """Pass poses on; to be put before whatever smooths them."""
        for chunk in poses:
            self.add(chunk)
            yield chunk

    def add(self, chunk: PoseChunk) -> None:
        """Count the next frames in."""
        joints_m = chunk.joints_m.astype(np.float64)
        if self._joints_m is not None:
            joints_m = np.concatenate([self._joints_m, joints_m], axis=1)
        time_s = np.concatenate([self._time_s, chunk.track.frame_time_s])
        self._joints_m, self._time_s = joints_m[:, -3:].copy(), time_s[-3:].copy()
        if len(time_s) < 4:
            return
        windows = np.lib.stride_tricks.sliding_window_view(joints_m, 4, axis=1)
        third_m = windows @ _DIFFERENCES  # (persons, frames - 3, joints, 3)
        noise_m = np.sqrt(np.square(third_m).sum(axis=-1).mean(axis=-1) / 20)
        told = noise_m[:, _even(time_s)]
        told = told[np.isfinite(told)]  # all joints of all four frames are there
        self._frames += len(told)
        self._shaking += int((told > SHAKING_M).sum())

    @property
    def shaking_share(self) -> float | None:
        """Share of the poses that shake, in [0, 1]; None if it cannot be told."""
        return self._shaking / self._frames if self._frames else None


def _even(time_s: Float64[np.ndarray, "frames"]) -> np.ndarray:
    """For each four frames in a row, whether their times are close and even."""
    steps_s = np.lib.stride_tricks.sliding_window_view(np.diff(time_s), 3)
    mean_s = steps_s.mean(axis=-1)
    spread_s = steps_s.max(axis=-1) - steps_s.min(axis=-1)
    return (mean_s <= 1 / LEAST_FPS) & (spread_s <= _EVEN * mean_s)
