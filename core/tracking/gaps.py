"""Short gaps between two sightings of one person are filled; long ones stay empty.

Never beyond the first and last sighting, and never from one tracklet to another: what nobody saw
is not invented.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

from core.tracking.slots import SlotFrame

INTERPOLATED_CONFIDENCE = 0.5
"""Interpolated keypoints keep this share of the confidence of their neighbours in time."""

_TIME_ROUNDING_S = 1e-3  # containers round times to milliseconds
_TANGENT_S = 0.1  # how far around a gap we look to see how fast a keypoint moves there


@dataclass(frozen=True, eq=False)
class FilledPose:
    """One person in one frame. ``observed`` is false where the keypoints are interpolated."""

    keypoints_px: Float32[np.ndarray, "33 2"]
    confidence: Float32[np.ndarray, "33"]
    hint_m: Float32[np.ndarray, "33 3"] | None
    observed: bool


@dataclass(frozen=True, eq=False)
class FilledFrame:
    """One frame; None where a slot holds nobody."""

    frame_index: int
    time_s: float
    poses: tuple[FilledPose | None, ...]


def fill_gaps(frames: Iterable[SlotFrame], *, max_gap_s: float) -> Iterator[FilledFrame]:
    """Fill gaps of at most ``max_gap_s`` from the last sighting before to the first one after.

    A frame between two sightings that share no keypoint stays empty.

    Keypoints follow a cubic Hermite curve over true time whose tangents come from the sightings
    just around the gap, limited so that no coordinate leaves the range between its two ends; hints
    are interpolated linearly. Looks ahead by ``max_gap_s`` and a tenth of a second.

    Source: Fritsch and Carlson, "Monotone piecewise cubic interpolation", SIAM Journal on
    Numerical Analysis 17, 1980, for the limit on the tangents.
    """
    look_ahead_s = max_gap_s + _TANGENT_S + _TIME_ROUNDING_S
    ahead: deque[SlotFrame] = deque()
    before: list[list[_Knot]] = []
    for frame in frames:
        before = before or [[] for _ in frame.slots]
        ahead.append(frame)
        while frame.time_s - ahead[0].time_s > look_ahead_s:
            yield _fill(ahead, before, max_gap_s)
    while ahead:
        yield _fill(ahead, before, max_gap_s)


class _Knot(NamedTuple):
    """A sighting of one tracklet at a known time."""

    time_s: float
    tracklet: int
    pose: FilledPose


def _fill(ahead: deque[SlotFrame], before: Sequence[list[_Knot]], max_gap_s: float) -> FilledFrame:
    """Take the oldest frame off the look-ahead and fill its empty slots where that is allowed."""
    frame = ahead.popleft()
    poses: list[FilledPose | None] = []
    for slot, known in enumerate(before):
        knot = _knot(frame, slot)
        if knot is not None:
            _remember(known, knot)
            poses.append(knot.pose)
            continue
        after = _next_knots(ahead, slot) if known else []
        fillable = (
            after
            and after[0].tracklet == known[-1].tracklet
            and after[0].time_s - known[-1].time_s <= max_gap_s + _TIME_ROUNDING_S
        )
        filled = _between(known, after, frame.time_s) if fillable else None
        poses.append(filled if filled is not None and filled.confidence.any() else None)
    return FilledFrame(frame.frame_index, frame.time_s, tuple(poses))


def _knot(frame: SlotFrame, slot: int) -> _Knot | None:
    entry = frame.slots[slot]
    if entry is None:
        return None
    seen = entry.sighting
    pose = FilledPose(seen.keypoints_px, seen.confidence, seen.hint_m, observed=True)
    return _Knot(frame.time_s, entry.tracklet, pose)


def _remember(known: list[_Knot], knot: _Knot) -> None:
    """Keep the newest sightings of the current tracklet, as far back as a tangent needs them."""
    known[:] = [k for k in known if _shares_tangent(k, knot)]
    known.append(knot)


def _next_knots(ahead: Iterable[SlotFrame], slot: int) -> list[_Knot]:
    """The slot's next sighting and those right behind it that tell its speed."""
    after: list[_Knot] = []
    for frame in ahead:
        knot = _knot(frame, slot)
        if knot is not None and after and not _shares_tangent(after[0], knot):
            break
        if knot is not None:
            after.append(knot)
    return after


def _shares_tangent(one: _Knot, other: _Knot) -> bool:
    apart_s = abs(one.time_s - other.time_s)
    return one.tracklet == other.tracklet and apart_s <= _TANGENT_S + _TIME_ROUNDING_S


def _between(before: Sequence[_Knot], after: Sequence[_Knot], time_s: float) -> FilledPose:
    left, right = before[-1].pose, after[0].pose
    span_s = after[0].time_s - before[-1].time_s
    share = np.float32((time_s - before[-1].time_s) / span_s)
    confidence = left.confidence + share * (right.confidence - left.confidence)
    either_missing = (left.confidence == 0) | (right.confidence == 0)
    confidence[either_missing] = 0
    keypoints_px = _hermite(
        left.keypoints_px,
        right.keypoints_px,
        _travel_px(before[0], before[-1], span_s),
        _travel_px(after[0], after[-1], span_s),
        share,
    )
    hint_m = None
    if left.hint_m is not None and right.hint_m is not None:
        hint_m = left.hint_m + share * (right.hint_m - left.hint_m)
    return FilledPose(
        keypoints_px=keypoints_px,
        confidence=confidence * np.float32(INTERPOLATED_CONFIDENCE),
        hint_m=hint_m,
        observed=False,
    )


def _travel_px(first: _Knot, last: _Knot, span_s: float) -> Float32[np.ndarray, "33 2"] | None:
    """How far the keypoints would go during the gap at their speed between two sightings."""
    elapsed_s = last.time_s - first.time_s
    if elapsed_s <= 0:
        return None
    moved_px = last.pose.keypoints_px - first.pose.keypoints_px
    return moved_px * np.float32(span_s / elapsed_s)


def _hermite(
    start: Float32[np.ndarray, "33 2"],
    end: Float32[np.ndarray, "33 2"],
    start_travel: Float32[np.ndarray, "33 2"] | None,
    end_travel: Float32[np.ndarray, "33 2"] | None,
    share: np.float32,
) -> Float32[np.ndarray, "33 2"]:
    """The monotone cubic from start to end at ``share`` of the way; straight without tangents."""
    way = end - start
    leave = way if start_travel is None else _limited(start_travel, way)
    arrive = way if end_travel is None else _limited(end_travel, way)
    rest = 1 - share
    bow = share * rest * (rest * (leave - way) - share * (arrive - way))
    return start + share * way + bow


def _limited(
    travel: Float32[np.ndarray, "33 2"], way: Float32[np.ndarray, "33 2"]
) -> Float32[np.ndarray, "33 2"]:
    """Clip a tangent to between zero and three times the secant, which keeps the curve monotone."""
    clipped = np.clip(travel, np.minimum(0, 3 * way), np.maximum(0, 3 * way))
    return np.where(np.isfinite(clipped), clipped, way)
