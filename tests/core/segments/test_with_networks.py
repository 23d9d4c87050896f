"""Segments with the real networks: the same whatever the threads, and like an undivided search."""

from collections.abc import Sequence

import numpy as np
import pytest

from core.contracts import PoseModel
from core.keypoints.litert.estimators import LiteEstimators
from core.keypoints.scouting import ScoutingEstimator
from core.segments.observe import observe_in_segments
from core.segments.plan import SegmentPlan
from core.tracking.association import Observation
from core.video.frames import Frame

pytestmark = pytest.mark.assets
PLAN = SegmentPlan(length=14)
NOISE_PX = 1.5
"""Median distance of MediaPipe's tracking to itself, started a frame later, in such pictures."""


class Frames:
    """Frames that are there already."""

    def __init__(self, frames: Sequence[Frame]) -> None:
        self._left = iter(frames)

    def ready(self, timeout_s: float) -> bool:
        return True

    def __next__(self) -> Frame:
        return next(self._left)


def look(estimator: ScoutingEstimator, frame: Frame) -> Observation:
    return Observation(frame.index, frame.time_s, estimator.estimate(frame))


def observe(estimators, frames, threads, plan=PLAN, **more) -> list[Observation]:
    seen = observe_in_segments(
        Frames(frames),
        estimators.open(PoseModel.FULL),
        lambda: estimators.open(PoseModel.FULL),
        lambda: look,
        plan,
        threads=threads,
        **more,
    )
    return list(seen)


def numbers(seen: Sequence[Observation]) -> list[bytes]:
    return [
        array.tobytes()
        for one in seen
        for person in one.detections
        for array in (person.keypoints_px, person.confidence, person.hint_m)
    ]


@pytest.fixture(scope="module")
def close_up(demo_frames) -> list[Frame]:
    """The man alone, and large enough for the detector to find him at once."""
    return [
        Frame(frame.index, frame.time_s, frame.rgb[:260, 190:450].repeat(2, 0).repeat(2, 1))
        for frame in demo_frames[10:48]
    ]


@pytest.fixture(scope="module")
def estimators(full_bundle):
    with LiteEstimators(lambda _: full_bundle) as estimators:
        yield estimators


@pytest.fixture(scope="module")
def with_one_thread(estimators, close_up):
    return observe(estimators, close_up, 1)


def test_the_number_of_threads_does_not_change_a_bit(estimators, close_up, with_one_thread):
    assert len(numbers(with_one_thread)) > 60
    assert numbers(observe(estimators, close_up, 3)) == numbers(with_one_thread)


def test_beginning_where_a_fresh_run_took_over_does_not_change_a_bit(
    estimators, close_up, with_one_thread
):
    taken_over = 0
    for segment in range(1, len(close_up) // PLAN.length + 1):
        pictures = close_up[PLAN.warm_up_start(segment) :]
        rest = observe(estimators, pictures, 2, first_segment=segment)
        whole = with_one_thread[PLAN.start(segment) :]
        assert [one.frame_index for one in rest] == [one.frame_index for one in whole]
        taken_over += numbers(rest) == numbers(whole)
    reliefs = []
    observe(estimators, close_up, 1, on_relief=lambda: reliefs.append(1))
    assert taken_over >= len(reliefs) > 0


def test_segments_agree_with_an_undivided_search_within_its_own_noise(
    estimators, close_up, with_one_thread
):
    whole = observe(estimators, close_up, 1, SegmentPlan(length=1000))
    assert numbers(whole) != numbers(with_one_thread)  # somebody else did go on
    both = [
        (one.detections[0].keypoints_px, other.detections[0].keypoints_px)
        for one, other in zip(whole, with_one_thread, strict=True)
        if one.detections and other.detections
    ]
    assert len(both) > 25
    later = both[PLAN.length :]
    apart_px = np.concatenate([np.hypot(*(one - other).T) for one, other in later])
    assert np.median(apart_px) < NOISE_PX
    assert sum(bool(one.detections) for one in with_one_thread) >= len(both) - 2
