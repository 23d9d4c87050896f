"""Stored times, good and bad, into strictly increasing ones."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.video.frame_times import FrameClock, RateLimit, TickQueue

STEP_S = 0.04
stored = st.none() | st.floats(-100, 1e5, allow_nan=False)


def clocked(stored_s, step_s=STEP_S):
    clock = FrameClock(step_s)
    return [clock.stamp(time_s) for time_s in stored_s], clock.repaired


@given(st.lists(stored, max_size=60))
def test_times_always_increase(stored_s):
    times_s, _ = clocked(stored_s)
    assert all(later > earlier for earlier, later in pairwise(times_s))


@given(st.lists(st.floats(-10, 1e4, allow_nan=False), unique=True, max_size=60))
def test_good_times_are_kept_as_they_are(stored_s):
    assert clocked(sorted(stored_s)) == (sorted(stored_s), 0)


def test_a_repeated_time_does_not_make_all_later_ones_late():
    times_s, repaired = clocked([0.0, 0.04, 0.04, 0.08, 0.12, 0.16])
    assert times_s == pytest.approx([0, 0.04, 0.06, 0.08, 0.12, 0.16])
    assert repaired == 1


def test_a_frame_out_of_order_costs_only_itself():
    times_s, repaired = clocked([0.0, 0.04, 0.12, 0.08, 0.16])
    assert times_s == pytest.approx([0, 0.04, 0.12, 0.14, 0.16])
    assert repaired == 1


def test_missing_times_go_on_at_the_nominal_rate():
    times_s, repaired = clocked([None, None, None, 0.2])
    assert times_s == pytest.approx([0, 0.04, 0.08, 0.2])
    assert repaired == 3


def test_a_jump_back_is_a_seam_and_the_clock_goes_on():
    times_s, repaired = clocked([9.0, 9.04, 0.0, 0.04, 0.5])
    assert times_s == pytest.approx([9.0, 9.04, 9.08, 9.12, 9.58])
    assert repaired == 1


def shown(order_of_packets, reorder, lost=()):
    """Feed packets whose pictures come out in order of presentation, some of them never."""
    queue, ticks = TickQueue(reorder), []
    for tick in range(len(order_of_packets)):
        queue.put(tick)
    for position in sorted(range(len(order_of_packets)), key=order_of_packets.__getitem__):
        if position not in lost:
            ticks.append(queue.take(position))
    return ticks


def test_b_frames_get_the_ticks_in_order():
    # Packets hold pictures 0, 3, 1, 2, 6, 4, 5: stored in this order, shown in theirs.
    assert shown([0, 3, 1, 2, 6, 4, 5], reorder=2) == [0, 1, 2, 3, 4, 5, 6]


def test_a_lost_picture_does_not_make_all_later_ones_late():
    assert shown(range(8), reorder=0, lost={2, 3}) == [0, 1, 4, 5, 6, 7]


@given(st.lists(st.floats(0, 60), unique=True, max_size=300), st.floats(0.1, 100))
def test_no_second_holds_more_than_the_rate_allows(times_s, max_fps):
    rate = RateLimit(max_fps)
    kept_s = [time_s for time_s in sorted(times_s) if rate.admits(time_s)]
    for start_s in kept_s:
        in_a_second = sum(start_s <= time_s < start_s + 1 for time_s in kept_s)
        assert in_a_second <= max_fps + 2  # the grid's own points, and a partial one at each end


def test_no_limit_keeps_everything():
    rate = RateLimit(None)
    assert all(rate.admits(time_s) for time_s in (0.0, 0.0001, 0.0002))
