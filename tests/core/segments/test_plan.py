"""Where a video is cut."""

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.segments.plan import LENGTH_FRAMES, SegmentPlan


@given(st.integers(1, 10_000), st.integers(-2, 2))
def test_segments_are_alike_though_headers_miscount(frames, miscounted):
    plan = SegmentPlan.of(frames)
    frames = max(1, frames + miscounted)
    segments = next(n for n in count(1) if plan.start(n) >= frames)
    last = frames - plan.start(segments - 1)
    assert segments in (1, 2) or segments >= 4
    assert plan.longest <= 1.3 * LENGTH_FRAMES
    assert segments == 1 or plan.length > 0.45 * LENGTH_FRAMES
    if 1 < segments < 20:  # in longer videos what is rounded adds up
        assert last > 0.2 * plan.length
        assert segments == 2 or last < 0.5 * plan.length


@given(st.none() | st.integers(1, 10**6), st.integers(0, 1000))
def test_a_warm_up_comes_right_before_its_segment(frames, segment):
    plan = SegmentPlan.of(frames)
    before = plan.start(segment) - plan.warm_up_start(segment)
    assert before == (min(plan.warm_up, plan.start(segment)) if segment else 0)
    long = plan.start(segment + 1) - plan.start(segment)
    assert long == (plan.length if segment or plan.first is None else plan.first)


def test_a_short_clip_is_one_segment_and_ten_seconds_are_two():
    assert SegmentPlan.of(120).length >= 120
    assert SegmentPlan.of(230) == SegmentPlan(102, first=132)
    assert SegmentPlan.of(300) == SegmentPlan(132, first=171)


def test_the_last_of_many_segments_is_short():
    plan = SegmentPlan.of(900)
    assert (plan.first, plan.length) == (180, 163)
    assert 0.4 < (900 - plan.start(5)) / plan.length < 0.5
    assert plan.start(6) > 900


def test_a_video_of_unknown_length_is_cut_evenly():
    assert SegmentPlan.of(None).length == LENGTH_FRAMES


@given(st.none() | st.integers(1, 10**6), st.integers(0, 1000))
def test_a_segment_is_found_by_the_frame_it_begins_at(frames, segment):
    plan = SegmentPlan.of(frames)
    assert plan.segment_at(plan.start(segment)) == segment
    if plan.length > 1:
        with pytest.raises(AssertionError):
            plan.segment_at(plan.start(segment) + 1)
