import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.one_euro import one_euro
from core.runs import join_poses
from core.smoothing import HALF_WIDTH_S, smooth
from tests.core.chunk_makers import cut_at, cuts, even_times, make_poses


def smoothed(poses, cut=()):
    return join_poses(list(smooth(cut_at(poses, cut))))


def uneven_times(frames: int, seed: int = 0) -> np.ndarray:
    return np.cumsum(np.random.default_rng(seed).uniform(0.01, 0.06, frames))


def noise(shape, scale=0.02, seed=0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, scale, shape)


def accelerating(time_s: np.ndarray) -> np.ndarray:
    """Each joint with its own constant acceleration."""
    rng = np.random.default_rng(1)
    start, speed, pull = rng.normal(0, 0.3, (3, 1, 1, 28, 3))
    t = (time_s - time_s[0])[None, :, None, None]
    return start + speed * t + pull * t * t


@pytest.mark.parametrize("times", [even_times(100), uneven_times(100), even_times(40, fps=120)])
def test_constant_acceleration_passes_unchanged_to_the_very_ends(times):
    truth = accelerating(times)
    np.testing.assert_allclose(smoothed(make_poses(truth, times)).joints_m, truth, atol=1e-5)


@settings(max_examples=30, deadline=None)
@given(cuts, st.integers(1, 300))
def test_streaming_equals_whole_bit_by_bit(cut, frames):
    joints = noise((2, frames, 28, 3), seed=frames)
    joints[1, frames // 3 : frames // 2] = np.nan
    poses = make_poses(joints, uneven_times(frames, frames), sigma_m=noise((2, frames, 28)) ** 2)
    np.testing.assert_array_equal(smoothed(poses, cut).joints_m, smoothed(poses).joints_m)


def test_only_the_joints_change():
    poses = make_poses(noise((1, 50, 28, 3)))
    after = smoothed(poses, cut=[10, 20])
    np.testing.assert_array_equal(after.sigma_m, poses.sigma_m)
    for name in ("frame_index", "frame_time_s", "keypoints_px", "confidence", "observed"):
        np.testing.assert_array_equal(getattr(after.track, name), getattr(poses.track, name))
    assert not np.array_equal(after.joints_m, poses.joints_m)


def test_absence_stays_absence_and_nothing_crosses_a_long_one():
    joints = noise((1, 60, 28, 3))
    joints[0, 20:30] = np.nan  # a third of a second
    after = smoothed(make_poses(joints)).joints_m
    np.testing.assert_array_equal(np.isnan(after), np.isnan(joints))
    joints[0, 30:] += 100  # whoever comes back is elsewhere
    np.testing.assert_array_equal(smoothed(make_poses(joints)).joints_m[0, :20], after[0, :20])


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_too_few_frames_stay_as_they_are(frames):
    joints = noise((1, frames, 28, 3)).astype(np.float32)
    np.testing.assert_array_equal(smoothed(make_poses(joints)).joints_m, joints)


def test_isolated_frames_stay_as_they_are():
    joints = noise((1, 90, 28, 3)).astype(np.float32)
    joints[0, np.arange(90) % 10 != 0] = np.nan
    np.testing.assert_array_equal(smoothed(make_poses(joints)).joints_m, joints)
    slow = make_poses(noise((1, 30, 28, 3)), even_times(30, fps=5))
    np.testing.assert_array_equal(smoothed(slow).joints_m, slow.joints_m)


def test_ends_do_not_blow_up():
    """Noise at the ends never grows; in between it shrinks by more than half."""
    joints = noise((1, 30, 28, 3), scale=1.0)
    repeats = [
        smoothed(make_poses(noise((1, 30, 28, 3), 1.0, seed))).joints_m for seed in range(20)
    ]
    spread = np.std(repeats, axis=(0, 1, 3, 4))
    assert spread.max() < 1.03
    assert spread[10:20].max() < 0.75
    assert joints.std() == pytest.approx(1, rel=0.1)


def test_what_is_unsure_counts_less():
    joints = np.zeros((1, 31, 28, 3), np.float32)
    joints[0, 15] = 0.5
    sigma = np.full((1, 31, 28), 0.02, np.float32)
    equally_sure = smoothed(make_poses(joints, sigma_m=sigma)).joints_m
    sigma[0, 15] = 0.09
    unsure = smoothed(make_poses(joints, sigma_m=sigma)).joints_m
    assert np.abs(unsure).max() < 0.3 * np.abs(equally_sure).max()
    poses = make_poses(joints, sigma_m=0.02)
    poses.track.observed[0, 15] = False
    interpolated = smoothed(poses).joints_m
    assert np.abs(interpolated).max() < 0.6 * np.abs(equally_sure).max()


def test_output_is_never_further_behind_than_the_half_width():
    seen_s: list[float] = []

    def chunks():
        for chunk in cut_at(make_poses(noise((1, 300, 28, 3))), range(1, 300)):
            if len(chunk):
                seen_s.append(float(chunk.track.frame_time_s[-1]))
            yield chunk

    for poses in smooth(chunks()):
        if seen_s[-1] < 299 / 30 - 1e-6:
            assert seen_s[-1] - poses.track.frame_time_s[0] < HALF_WIDTH_S + 2 / 30


def test_very_high_frame_rates_stay_bounded():
    poses = make_poses(noise((1, 1000, 28, 3)), even_times(1000, fps=2000))
    pieces = list(smooth(cut_at(poses, range(0, 1000, 100))))
    assert max(len(piece) for piece in pieces) <= 160
    after = smoothed(poses).joints_m
    np.testing.assert_array_equal(join_poses(pieces).joints_m, after)
    assert np.std(after) < 0.3 * np.std(poses.joints_m)


def test_fast_enough():
    poses = make_poses(noise((1, 2000, 28, 3)))
    start = time.process_time()
    smoothed(poses, cut=range(0, 2000, 54))
    assert 2000 / (time.process_time() - start) > 5_000  # 50,000 on an idle core


# --- Against the One-Euro filter ------------------------------------------------------------------


def swinging(time_s: np.ndarray) -> np.ndarray:
    """Joints on sums of sines of 0.3 to 2.5 Hz: as fast as walking and waving."""
    rng = np.random.default_rng(3)
    rate = rng.uniform(0.3, 2.5, (4, 1, 1, 28, 3))
    swing = rng.uniform(0, 0.25, rate.shape) / rate
    angle = 2 * np.pi * rate * time_s[None, None, :, None, None]
    return (swing * np.sin(angle + rng.uniform(0, 6, rate.shape))).sum(axis=0)


def jitter(values, truth):
    return np.linalg.norm(np.diff(values - truth, n=2, axis=1), axis=-1).mean()


def lag_s(values, truth, time_s):
    """The shift in time that explains the error best."""
    velocity = np.gradient(truth, time_s, axis=1)
    return -((values - truth) * velocity).sum() / np.square(velocity).sum()


@pytest.mark.parametrize("scale", [0.005, 0.02])
def test_beats_every_one_euro_filter_on_jitter_and_lag(scale):
    time_s = even_times(600)
    truth = swinging(time_s)
    noisy = truth + noise(truth.shape, scale)
    ours = smoothed(make_poses(noisy, time_s)).joints_m
    assert abs(lag_s(ours, truth, time_s)) < 0.001
    assert jitter(ours, truth) < 0.3 * jitter(noisy, truth)
    for min_cutoff_hz in (0.3, 1, 3, 10):
        for beta in (0, 1, 5, 20, 80):
            theirs = one_euro(noisy, time_s[None], min_cutoff_hz, beta)
            assert lag_s(theirs, truth, time_s) > 0.001
            assert np.square(theirs - truth).mean() > np.square(ours - truth).mean()
            # A One-Euro filter can be steadier than ours, but then it trails far behind.
            if jitter(theirs, truth) < jitter(ours, truth):
                assert lag_s(theirs, truth, time_s) > 0.02
