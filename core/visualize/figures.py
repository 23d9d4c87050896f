"""A result prepared for drawing: who is in it, where the floor is, how much room they need."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float64

from core.results.reader import PoseResult
from core.visualize.stage import Figure, Stage

_FLOOR_SMOOTHING_S = 0.12  # the lowest foot jitters with the pose; a floor does not
_MIN_TOP_M = 1.2
_PANEL_SHARE_OF_MORE = 0.5  # each further person widens the panel by this share of its height


@dataclass(frozen=True, eq=False)
class Figures:
    """The people of a result.

    Attributes:
        result: as it was read.
    """

    result: PoseResult

    @cached_property
    def present(self) -> Bool[np.ndarray, "persons frames"]:
        """Where there is somebody to draw, seen or interpolated."""
        return np.any(np.isfinite(self.result.joints_3d[..., 0]), axis=-1, keepdims=False)

    @cached_property
    def rows(self) -> tuple[int, ...]:
        """Rows of the result that ever hold somebody; one empty row if none does."""
        return tuple(int(row) for row in np.flatnonzero(self.present.any(axis=1)))

    @cached_property
    def floor_m(self) -> Float64[np.ndarray, "persons frames"]:
        """Height of the floor along y, below each pelvis: the lowest joint, smoothed over time."""
        lowest = np.where(self.present, _over_joints(self.result.joints_3d[..., 1], np.fmax), 0.0)
        reach = min(round(2 * _FLOOR_SMOOTHING_S / interval_s(self.result.frame_time_s)), 60)
        kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / max(1, reach / 2)) ** 2)
        known = self.present.astype(np.float64)
        smooth = np.zeros(known.shape)
        for row, weight in enumerate(known):
            # "full" and cut, because "same" means the longer of the two, which may be the kernel
            total = np.convolve(lowest[row], kernel)[reach : reach + len(weight)]
            count = np.convolve(weight, kernel)[reach : reach + len(weight)]
            smooth[row] = total / np.maximum(count, 1e-9)
        return smooth

    def figure(self, row: int, frame: int) -> Figure | None:
        if not self.present[row, frame]:
            return None
        return Figure(
            joints_m=np.asarray(self.result.joints_3d[row, frame], np.float32),
            sigma_m=np.asarray(self.result.joints_3d_sigma[row, frame], np.float32),
            floor_m=float(self.floor_m[row, frame]),
            observed=bool(self.result.observed[row, frame]),
        )

    def stage(self, height_px: int, width_px: int | None = None) -> Stage:
        """A panel in which everybody fits all the time, except for rare extremes."""
        slots = tuple(int(self.result.track_id[row]) for row in self.rows) or (0,)
        wide = 1 + _PANEL_SHARE_OF_MORE * (len(slots) - 1)
        width = 2 * round(height_px * wide / 2) if width_px is None else width_px
        return Stage((width, height_px), slots, self._top_m, self._reach_m)

    @cached_property
    def _top_m(self) -> float:
        highest = _over_joints(self.result.joints_3d[..., 1], np.fmin)
        return max(_MIN_TOP_M, _most((self.floor_m - highest)[self.present]))

    @cached_property
    def _reach_m(self) -> float:
        sideways = np.hypot(self.result.joints_3d[..., 0], self.result.joints_3d[..., 2])
        return _most(_over_joints(sideways, np.fmax)[self.present])


def interval_s(times_s: Float64[np.ndarray, "frames"]) -> float:
    """The usual time from frame to frame; a thirtieth of a second if there is only one."""
    return max(1e-3, float(np.median(np.diff(times_s)))) if len(times_s) > 1 else 1 / 30


def _over_joints(values: np.ndarray, extreme: np.ufunc) -> np.ndarray:
    return extreme.reduce(values, axis=-1)


def _most(values: np.ndarray) -> float:
    """Nearly the largest: single outliers do not shrink everybody. 0 of nothing."""
    return float(np.percentile(values, 99.5)) if values.size else 0.0
