import numpy as np
import pytest

from core.evaluation.bootstrap import clip_interval


def test_equal_clips_leave_no_doubt():
    assert clip_interval(np.array([6.0, 9.0]), np.array([2.0, 3.0]), 0) == (3.0, 3.0)


def test_the_same_seed_gives_the_same_interval():
    sums, counts = np.random.default_rng(0).normal(5, 2, 20) * 10, np.full(20, 10.0)
    assert clip_interval(sums, counts, 3) == clip_interval(sums, counts, 3)
    assert clip_interval(sums, counts, 3) != clip_interval(sums, counts, 4)


def test_it_agrees_with_the_normal_law_for_many_equal_clips():
    means = np.random.default_rng(1).normal(50, 10, 400)
    low, high = clip_interval(means * 7, np.full(400, 7.0), 0, draws=4000)
    half = 1.96 * means.std() / 20
    assert (low, high) == pytest.approx((means.mean() - half, means.mean() + half), abs=0.15)


def test_two_clips_by_hand():
    # Draws of two clips: both first (1/4), both second (1/4), one each (1/2).
    low, high = clip_interval(np.array([0.0, 30.0]), np.array([1.0, 3.0]), 0)
    assert (low, high) == (0.0, 10.0)


def test_a_clip_without_values_says_nothing_and_one_alone_has_no_interval():
    with_empty = clip_interval(np.array([1.0, 0.0, 2.0]), np.array([1.0, 0.0, 1.0]), 0)
    assert with_empty == clip_interval(np.array([1.0, 2.0]), np.array([1.0, 1.0]), 0)
    assert np.isnan(clip_interval(np.array([1.0, 0.0]), np.array([1.0, 0.0]), 0)).all()
