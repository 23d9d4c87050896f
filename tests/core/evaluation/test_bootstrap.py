import numpy as np
import pytest

from core.evaluation.bootstrap import block_interval, clip_interval


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


def remembering(frames: int, keep: float, seed: int) -> np.ndarray:
    """Values of unit variance that forget the one before by a factor."""
    fresh = np.random.default_rng(seed).normal(size=frames)
    values = [fresh[0]]
    for one in fresh[1:]:
        values.append(keep * values[-1] + (1 - keep**2) ** 0.5 * one)
    return np.array(values)


def test_blocks_know_that_neighbours_agree():
    values = remembering(3000, 0.95, 0)
    low, high = block_interval([values], [1], 0)
    low_in_blocks, high_in_blocks = block_interval([values], [100], 0)
    # Effective number of frames is 3000 (1 - 0.95) / (1 + 0.95): the interval is 6.2 times as wide.
    assert 4 < (high_in_blocks - low_in_blocks) / (high - low) < 9


def test_single_frames_as_blocks_agree_with_the_normal_law():
    values = np.random.default_rng(2).normal(50, 10, 900)
    low, high = block_interval([values[:300], values[300:]], [1, 1], 0, draws=4000)
    half = 1.96 * values.std() / 30
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.12)


def test_the_same_draws_for_both_make_a_difference_paired():
    noise = remembering(500, 0.9, 1)
    low, high = block_interval([noise + 3 - noise], [30], 0)
    assert (low, high) == pytest.approx((3.0, 3.0))


def test_one_block_or_nothing_has_no_interval():
    for clips, blocks in (([np.ones(50)], [30]), ([np.empty(0)], [1]), ([], [])):
        assert np.isnan(block_interval(clips, blocks, 0)).all()
    assert block_interval([np.full(20, 7.0), np.empty(0)], [10, 10], 0) == (7.0, 7.0)
