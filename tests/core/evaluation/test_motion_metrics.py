import numpy as np
import pytest

from core.evaluation.motion_metrics import bone_length_drift, jitter, velocity_error


def test_velocity_error_by_hand():
    time_s = np.array([0.0, 0.1, 0.3])
    truth = np.zeros((3, 2, 3))
    joints = np.zeros((3, 2, 3))
    joints[1, 0] = joints[2, 0] = [0.3, 0.4, 0.0]  # jumps by 0.5 m in 0.1 s, then stands
    assert velocity_error(joints, truth, time_s) == pytest.approx([2.5, 0.0])  # over two joints


def test_a_constant_offset_has_no_velocity_error():
    joints = np.random.default_rng(0).normal(size=(5, 3, 3))
    assert velocity_error(joints + 7, joints, np.arange(5) / 30) == pytest.approx(np.zeros(4))


def test_jitter_is_the_third_derivative_at_even_and_uneven_times():
    for time_s in (np.arange(6) / 30, np.array([0.0, 0.02, 0.1, 0.11, 0.2, 0.4])):
        joints = np.zeros((6, 2, 3))
        joints[:, 0, 1] = 5 * time_s**3 - time_s**2 + 4  # jerk 30 m/s^3
        joints[:, 1, 2] = 3 * time_s**2 - 9 * time_s  # a steady acceleration is smooth
        assert jitter(joints, time_s) == pytest.approx([15.0] * 3)


def test_too_short_a_clip_has_no_jitter():
    assert jitter(np.zeros((3, 2, 3)), np.arange(3.0)).shape == (0,)


def test_bone_length_drift_by_hand():
    joints = np.zeros((2, 3, 3))
    joints[:, 1, 0] = [0.4, 0.6]  # a bone of 0.4 and 0.6 m: standard deviation 0.1
    joints[:, 2] = joints[:, 1] + [0, 0.3, 0]  # a rigid one
    bones = np.array([[1, 0], [2, 1]])
    assert bone_length_drift(joints, bones) == pytest.approx(0.05)


def test_drift_leaves_out_frames_with_a_nan_and_needs_two():
    joints = np.zeros((3, 2, 3))
    joints[:, 1, 0] = [0.4, np.nan, 0.6]
    bones = np.array([[1, 0]])
    assert bone_length_drift(joints, bones) == pytest.approx(0.1)
    assert np.isnan(bone_length_drift(joints[:2], bones))
    assert np.isnan(bone_length_drift(joints, np.zeros((0, 2), np.int64)))
