"""The comparison itself, on movements whose noise and lag are known."""

import numpy as np
import pytest

from benchmarks.one_euro import one_euro
from benchmarks.smoothing import Lifted, best_half_width_s, measure, ours, unsmoothed
from core.smoothing import HALF_WIDTH_S
from tests.core.chunk_makers import even_times, make_poses
from tests.core.test_smoothing import noise, swinging


def lifted(scale_m: float, frames: int = 120) -> Lifted:
    """Two clips of the same swing, shaken by independent noise in every frame."""
    time_s = even_times(frames)
    truth = np.repeat(swinging(time_s), 2, axis=0)
    joints = truth + noise(truth.shape, scale_m)
    return Lifted(
        poses=tuple(make_poses(clip[None], time_s) for clip in joints),
        joints_m=joints,
        truth_m=truth,
        time_s=np.stack([time_s, time_s]),
    )


def test_a_delay_is_measured_as_lag():
    made = lifted(0.0)
    velocity = np.gradient(made.truth_m, made.time_s[0], axis=1)
    late = Lifted(made.poses, made.joints_m + 0.01 * velocity, made.truth_m, made.time_s)
    (smoothed,) = ours(late, [HALF_WIDTH_S])  # `poses` are the unshifted ones: ahead by 10 ms
    assert smoothed.lag_ms == pytest.approx(10, abs=1)
    assert unsmoothed(late).lag_ms == 0


def test_more_noise_wants_a_wider_window():
    assert best_half_width_s([lifted(0.05)]) > best_half_width_s([lifted(0.001)])


def test_the_promises_hold_where_noise_is_noise():
    measurement = measure(lifted(0.02))
    assert measurement.broken == []
    assert measurement.ratios["jitter_over_one_euro_within_5_ms"] < 0.5
    assert measurement.rows[0]["filter"] == "none"


def test_a_one_euro_filter_that_lets_everything_pass_is_no_filter():
    made = lifted(0.02, frames=30)
    np.testing.assert_allclose(
        one_euro(made.joints_m, made.time_s, 1e9, 0.0), made.joints_m, atol=1e-6
    )


def test_its_step_response_is_that_of_a_first_order_low_pass():
    """Of a step, 1 - exp(-2 pi f t) is left after t for a small step; here exactly (1 - a)^n."""
    joints = np.zeros((1, 20, 1, 3))
    joints[:, 1:] = 1.0
    time_s = even_times(20, fps=100)[None]
    gain = 1 / (1 + 1 / (2 * np.pi * 2.0 * 0.01))
    filtered = one_euro(joints, time_s, 2.0, 0.0)
    np.testing.assert_allclose(filtered[0, :, 0, 0], 1 - (1 - gain) ** np.arange(20), atol=1e-12)
