import numpy as np
import pytest

from benchmarks.detector_noise_spectrum import (
    Spectrum,
    fit_spectrum,
    non_negative,
    pooled,
    without_outliers,
)


def lasting(rng, memory_s, step_s, frames=600, series=60):
    """Unit noise that forgets itself over ``memory_s``."""
    keep = np.exp(-step_s / memory_s)
    values = [rng.normal(size=series)]
    for _ in range(frames - 1):
        values.append(keep * values[-1] + np.sqrt(1 - keep**2) * rng.normal(size=series))
    return np.stack(values)


def test_bias_drift_and_jitter_are_told_apart():
    rng, step_s = np.random.default_rng(0), 1 / 30
    jitter = 0.5 * rng.normal(size=(600, 60))
    error = 2.0 * lasting(rng, 8.0, step_s) + lasting(rng, 0.2, step_s) + jitter
    found = fit_spectrum(error, step_s)
    assert found.bias == pytest.approx(2.0, rel=0.15)
    assert found.drift == pytest.approx(1.0, rel=0.15)
    assert found.jitter == pytest.approx(0.5, rel=0.15)
    assert 4.0 <= found.bias_memory_s <= 16.0
    assert 0.1 <= found.drift_memory_s <= 0.3
    assert found.total == pytest.approx(np.sqrt((error**2).mean()), rel=0.05)


def test_what_never_changes_is_bias():
    found = fit_spectrum(np.full((100, 4), 0.3) * [1, -1, 1, -1], 1 / 30)
    assert found.bias == pytest.approx(0.3, rel=0.01)
    assert found.drift == pytest.approx(0, abs=0.01)
    assert found.jitter == pytest.approx(0, abs=0.01)


def test_white_noise_is_jitter_unless_frames_are_too_far_apart_to_tell():
    noise = np.random.default_rng(1).normal(size=(300, 20))
    quick, slow = fit_spectrum(noise, 1 / 30), fit_spectrum(noise, 0.2)
    assert quick.jitter == pytest.approx(1, rel=0.1)
    assert quick.bias < 0.2
    assert np.isnan(slow.jitter)
    assert slow.drift == pytest.approx(1, rel=0.2)
    assert slow.total == pytest.approx(1, rel=0.2)


def test_unknown_frames_are_passed_over():
    rng = np.random.default_rng(2)
    noise = rng.normal(size=(600, 20))
    noise[rng.random(noise.shape) < 0.4] = np.nan
    assert fit_spectrum(noise, 1 / 30).jitter == pytest.approx(1, rel=0.1)


def test_too_little_is_no_spectrum():
    assert fit_spectrum(np.full((200, 3), np.nan), 1 / 30) is None
    assert fit_spectrum(np.ones((3, 1)), 1 / 30) is None


def test_bursts_are_cut_to_size_and_unknown_series_left_alone():
    series = np.random.default_rng(3).normal(size=(500, 2))
    series[10, 0] = 100.0
    series[:, 1] = np.nan
    cut = without_outliers(series)
    assert 3 < cut[10, 0] < 6
    np.testing.assert_array_equal(cut[11:, 0], np.clip(series[11:, 0], -cut[10, 0], cut[10, 0]))
    assert np.isnan(cut[:, 1]).all()


def test_no_share_is_negative_and_exact_mixtures_are_found():
    rng = np.random.default_rng(4)
    parts = rng.random((2, 30, 3))
    losses, shares = non_negative(parts, parts[0] @ [0.5, 0.0, 2.0])
    np.testing.assert_allclose(shares[0], [0.5, 0, 2.0], atol=1e-5)
    assert losses[0] == pytest.approx(0, abs=1e-8)
    assert (shares >= 0).all()
    assert losses[1] > losses[0]
    _, nothing = non_negative(parts, -parts[0, :, 0])
    assert not nothing.any()


def test_pooled_clips_count_the_same_and_slow_ones_say_nothing_of_jitter():
    quick = Spectrum(3.0, 0.0, 1.0, 4.0, 0.1)
    slow = Spectrum(1.0, 2.0, float("nan"), 16.0, 0.4)
    both = pooled([quick, None, slow])
    assert both.bias == pytest.approx(np.sqrt(5))
    assert both.drift == pytest.approx(np.sqrt(2))
    assert both.jitter == 1.0
    assert both.bias_memory_s == 10.0
    assert both.drift_memory_s == 0.4  # the quick clip has no drift to speak of
    assert pooled([None]) is None
