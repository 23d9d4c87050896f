"""Which windows cover a track that is still growing, and how overlapping windows blend.

The lifter sees a fixed number of frames at once. Windows lie on one grid over all used frames of
a video, whoever is in them, so that every batch has one shape and a result depends on the video
only, never on how its frames arrived::

    frames   0 ......................................................... N
    grid     |------ size ------|
                          |------ size ------|          each starts size - overlap after the last
    last                              |------ size ------|    ends at N: as much past as possible

A window takes over from the one before it by a cross-fade over ``overlap`` frames, which end where
the earlier window ends. What the last window sees before its own fade is context only: those
frames were final already. A clip shorter than a window is one shorter window; nothing is padded.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32


@dataclass(frozen=True)
class Window:
    """A run of used frames that is lifted at once.

    Attributes:
        start: first frame, counted from the first used frame of the video.
        stop: one past the last frame.
        fade_start: first frame in which this window counts; it fades in until ``fade_stop``.
        fade_stop: from here on, up to ``stop``, this window alone counts.
    """

    start: int
    stop: int
    fade_start: int
    fade_stop: int


@dataclass(frozen=True)
class WindowPlan:
    """Windows of ``size`` frames, each sharing ``overlap`` frames with the one before it."""

    size: int = 81
    overlap: int = 27

    def __post_init__(self) -> None:
        if self.size < 1 or not 0 <= self.overlap < self.size:
            raise ValueError("a window plan needs size >= 1 and 0 <= overlap < size")

    def ready(self, frames: int, *, ended: bool, last: Window | None) -> Iterator[Window]:
        """Windows after ``last`` that can be lifted now.

        Args:
            frames: how many frames of the video are known so far.
            ended: whether there will be no more.
            last: the window given before, None at the start.
        """
        while (window := self._following(last)).stop <= frames:
            yield window
            last = window
        if ended and frames > (last.stop if last else 0):
            yield self._final(last, frames)

    def settled(self, window: Window) -> int:
        """Frames before this one no longer change once ``window`` and those before are blended."""
        return window.stop - self.overlap

    def _following(self, last: Window | None) -> Window:
        if last is None:
            return Window(0, self.size, 0, 0)
        start = last.stop - self.overlap
        return Window(start, start + self.size, start, last.stop)

    def _final(self, last: Window | None, frames: int) -> Window:
        if last is None:
            return Window(0, frames, 0, 0)
        return Window(frames - self.size, frames, self.settled(last), last.stop)


def blend(
    running: Float32[np.ndarray, "frames *channels"],
    lifted: Float32[np.ndarray, "frames *channels"],
    window: Window,
) -> None:
    """Let a window take over from those before it, in place.

    The weights are a raised cosine: all windows' weights at a frame are >= 0 and sum to 1. NaN on
    either side means that this side says nothing, and the other one counts fully. Joints and sigma
    are blended with the same weights: overlapping windows see mostly the same evidence, so their
    errors go together, and the deviation of a mean of fully correlated errors is the mean of
    their deviations.

    Args:
        running: what earlier windows gave for the window's frames; becomes the blend.
        lifted: what this window gives for them.
        window: where the fade lies.
    """
    first = window.fade_start - window.start
    weight = _rise(window).reshape(-1, *[1] * (lifted.ndim - 1))
    before, new = running[first:], lifted[first:]
    # before + w (new - before) keeps equal values bit for bit; (1 - w) before + w new does not.
    mixed = np.where(weight < 1, before + weight * (new - before), new)
    mixed = np.where(np.isnan(before), new, mixed)
    running[first:] = np.where(np.isnan(new), before, mixed)


def _rise(window: Window) -> Float32[np.ndarray, "frames"]:
    """The window's weight from its fade on: smoothly from just above 0, then 1."""
    fading = window.fade_stop - window.fade_start
    steps = np.arange(1, window.stop - window.fade_start + 1) / (fading + 1)
    return np.square(np.sin(0.5 * np.pi * np.minimum(steps, 1))).astype(np.float32)
