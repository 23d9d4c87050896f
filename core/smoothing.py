"""Smoothing without delay: every frame is fitted from both its sides, over true timestamps.

Around each frame, a parabola over time is fitted to each joint by weighted least squares, and its
value at that frame is taken (local quadratic regression). A parabola follows constant
acceleration exactly, so nothing lags and peaks stay. What the lifter is unsure of counts less, and
so do frames that were interpolated. At the ends and beside absences the fit has one side only; at
a point that itself takes part, a fit is never less certain than the point was.

Source: Cleveland, "Robust Locally Weighted Regression and Smoothing Scatterplots", JASA 1979, with
the biweight kernel and without the robustness iterations.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float64

from core.chunks import PoseChunk
from core.runs import cut_poses, join_poses

HALF_WIDTH_S = 0.18
"""Frames farther away than this do not matter: five on each side at 30 frames a second. Measured:
so much steadiness costs noisy input nothing, in places or in velocities (``docs/smoothing.md``)."""
_MOST_NEIGHBOURS = 60
"""On each side; bounds memory and time at very high frame rates."""
_FEWEST_FRAMES = 4
"""A parabola passes through any three points: with fewer than four there is nothing to smooth."""
_SIGMA_RANGE_M = (0.015, 0.09)
"""Trust differs at most by the square of this ratio: no frame is made up by its neighbours."""
_INTERPOLATED_WEIGHT = 0.25


def smooth(
    chunks: Iterable[PoseChunk], *, half_width_s: float = HALF_WIDTH_S
) -> Iterator[PoseChunk]:
    """Smooth the joints over time; everything else passes through.

    Sigma stays as it is: errors of neighbouring frames go together, so smoothing takes away their
    jitter, but hardly their size. Isolated frames stay as they are, and nothing crosses an
    absence longer than the half-width.

    Args:
        chunks: poses in order, cut anyhow; the result does not depend on the cuts.
        half_width_s: how far to each side a frame is influenced, in seconds; more than 0.

    Yields:
        The same frames in the same order, ``half_width_s`` behind the input.
    """
    held: PoseChunk | None = None
    done = 0
    for chunk in chunks:
        held = chunk if held is None else join_poses([held, chunk])
        ready = _ready(held.track.frame_time_s, half_width_s)
        if ready > done:
            yield _smoothed(held, done, ready, half_width_s)
            forget = _forgettable(held.track.frame_time_s, ready, half_width_s)
            held, done = cut_poses(held, forget, len(held)), ready - forget
    if held is not None and len(held) > done:
        yield _smoothed(held, done, len(held), half_width_s)


def _ready(time_s: Float64[np.ndarray, "frames"], half_width_s: float) -> int:
    """How many frames have seen all their later neighbours."""
    if not len(time_s):
        return 0
    seen_all = int(np.searchsorted(time_s, time_s[-1] - half_width_s, side="right"))
    return max(seen_all, len(time_s) - _MOST_NEIGHBOURS)


def _forgettable(time_s: Float64[np.ndarray, "frames"], ready: int, half_width_s: float) -> int:
    """How many frames at the start no later frame will look at; the newest is never ready."""
    too_old = int(np.searchsorted(time_s, time_s[ready] - half_width_s, side="right"))
    return max(0, too_old, ready - _MOST_NEIGHBOURS)


def _smoothed(held: PoseChunk, start: int, stop: int, half_width_s: float) -> PoseChunk:
    poses = cut_poses(held, start, stop)
    present = np.isfinite(held.joints_m).all(axis=-1) & np.isfinite(held.sigma_m)
    moments = _Moments(held, present, start, stop)
    for offset in _offsets(held.track.frame_time_s, half_width_s):
        moments.add(offset, half_width_s)
    fitted, usable = moments.solve()
    usable &= present[:, start:stop]
    joints_m = np.where(usable[..., None], fitted, poses.joints_m).astype(np.float32)
    return replace(poses, joints_m=joints_m)


def _offsets(time_s: Float64[np.ndarray, "frames"], half_width_s: float) -> range:
    later = np.searchsorted(time_s, time_s + half_width_s) - np.arange(len(time_s)) - 1
    most = min(_MOST_NEIGHBOURS, int(later.max()))
    return range(-most, most + 1)


class _Moments:
    """Sums over neighbours of ``w u^k`` and ``w u^k x`` for every frame and joint at once.

    ``u`` is time from the frame in half-widths, ``w`` the weight, ``x`` the joint. Sums run over
    neighbours from the earliest to the latest, whatever the chunk, so that cuts change no bit.
    """

    def __init__(
        self, held: PoseChunk, present: Bool[np.ndarray, "persons frames 28"], start: int, stop: int
    ) -> None:
        self._time_s = held.track.frame_time_s
        self._trust = _trust(held, present)
        self._joints_m = np.where(present[..., None], held.joints_m, 0).astype(np.float64)
        self._start, self._stop = start, stop
        shape = (held.sigma_m.shape[0], stop - start, held.sigma_m.shape[2])
        self._powers = np.zeros((5, *shape))
        self._joints = np.zeros((3, *shape, 3))
        self._frames = np.zeros(shape, np.int64)

    def add(self, offset: int, half_width_s: float) -> None:
        """Count in the neighbour so many frames later (or earlier)."""
        first = max(self._start, -offset)
        last = min(self._stop, len(self._time_s) - offset)
        if first >= last:
            return
        here, there = (
            slice(first - self._start, last - self._start),
            slice(first + offset, last + offset),
        )
        u = ((self._time_s[there] - self._time_s[first:last]) / half_width_s)[:, None]
        kernel = np.square(np.maximum(0, 1 - np.square(u)))  # biweight
        weight = kernel * self._trust[:, there]
        neighbour = self._joints_m[:, there]
        self._frames[:, here] += weight > 0
        for power in range(5):
            self._powers[power][:, here] += weight
            if power < 3:
                self._joints[power][:, here] += weight[..., None] * neighbour
            weight = weight * u

    def solve(
        self,
    ) -> tuple[Float64[np.ndarray, "persons frames 28 3"], Bool[np.ndarray, "persons frames 28"]]:
        """The parabola's value at ``u = 0`` by Cramer's rule, and where it exists."""
        s0, s1, s2, s3, s4 = self._powers
        a, b, c = s2 * s4 - s3 * s3, s2 * s3 - s1 * s4, s1 * s3 - s2 * s2
        determinant = s0 * a + s1 * b + s2 * c
        usable = (self._frames >= _FEWEST_FRAMES) & (determinant > 1e-9 * s0 * s2 * s4)
        m0, m1, m2 = self._joints
        value = m0 * a[..., None] + m1 * b[..., None] + m2 * c[..., None]
        return value / np.where(usable, determinant, 1)[..., None], usable


def _trust(
    held: PoseChunk, present: Bool[np.ndarray, "persons frames 28"]
) -> Float64[np.ndarray, "persons frames 28"]:
    """Precision of each joint, relative to the surest; 0 where the person is absent."""
    least, most = _SIGMA_RANGE_M
    sigma = np.clip(np.where(present, held.sigma_m, most), least, most).astype(np.float64)
    weight = np.square(least / sigma)
    weight = np.where(held.track.observed[..., None], weight, _INTERPOLATED_WEIGHT * weight)
    return np.where(present, weight, 0)
