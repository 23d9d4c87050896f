"""Where a video is cut."""

from itertools import count, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.contracts import PoseModel
from core.segments.plan import LENGTH_FRAMES, SegmentPlan, decoding_over_searching


@given(st.integers(1, 10_000), st.integers(-2, 2), st.floats(0, 0.5))
def test_segments_are_alike_though_headers_miscount(frames, miscounted, decoding):
    plan = SegmentPlan.of(frames, decoding)
    frames = max(1, frames + miscounted)
    segments = next(n for n in count(1) if plan.start(n) >= frames)
    last = frames - plan.start(segments - 1)
    assert segments in (1, 2) or segments >= 4
    most = 4 / 3 if segments == 2 else 1.1
    assert plan.longest <= 1.1 * most * LENGTH_FRAMES + 2
    assert segments <= 2 or plan.length > 0.45 * LENGTH_FRAMES
    assert segments == 1 or plan.length > 30
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


def test_a_short_clip_is_one_segment_and_three_to_ten_seconds_are_two():
    assert SegmentPlan.of(89).length >= 89
    assert SegmentPlan.of(120) == SegmentPlan(55, first=69)
    assert SegmentPlan.of(230) == SegmentPlan(104, first=130)
    assert SegmentPlan.of(300) == SegmentPlan(135, first=169)


def test_of_two_segments_the_first_grows_with_what_decoding_takes():
    """Two threads, one core each while the second waits for its pictures, end together."""
    searching_s = 1.0
    for decoding_s in (0.0, 0.1, 0.4):
        plan = SegmentPlan.of(300, decoding_s / searching_s)
        waited = plan.start(1) * decoding_s / searching_s  # frames that the first has done by then
        assert plan.start(1) - waited == pytest.approx(300 - plan.start(1), abs=5)


def test_decoding_takes_longer_in_large_pictures_and_weighs_less_beside_a_large_model():
    models = (PoseModel.HEAVY, PoseModel.FULL, PoseModel.LITE)
    sizes_px = (640 * 480, 1280 * 720, 1920 * 1080)
    shares = [[decoding_over_searching(px, model) for px in sizes_px] for model in models]
    for smaller, larger in pairwise(shares):
        assert all(one < other for one, other in zip(smaller, larger, strict=True))
    for row in shares:
        assert row == sorted(row)
    assert decoding_over_searching(7680 * 4320, PoseModel.LITE) == 0.5


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
