"""Crops calmed over time."""

import numpy as np

from core.keypoints.blazepose.second_pass import smoothed

ONE = np.ones((2, 2))


def test_a_weighted_mean_of_three_frames():
    calm = smoothed([{0: 0 * ONE}, {0: 4 * ONE}, {0: 0 * ONE}], {0: 4 * ONE})
    assert [float(frame[0][0, 0]) for frame in calm] == [2, 2, 4 / 3]


def test_absent_neighbours_do_not_count():
    calm = smoothed([{1: 3 * ONE}, {0: ONE}], {})
    np.testing.assert_array_equal(calm[0][1], 3 * ONE)
    np.testing.assert_array_equal(calm[1][0], ONE)


def test_cutting_a_video_elsewhere_changes_nothing():
    seen = [{0: np.random.default_rng(i).normal(size=(2, 2))} for i in range(9)]
    whole = smoothed(seen, {})
    parts = [*smoothed(seen[:6], {})[:5], *smoothed(seen[5:], seen[4])]
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_array_equal(one[0], other[0])
