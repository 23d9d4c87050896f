import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.runs import join_poses
from core.scale import ScaleReport, ScaleSource, scale_to_height, standing_height_m
from core.skeleton import BODY
from tests.core.chunk_makers import cut_at, cuts, make_poses

TRUNK = ("spine", "spine2", "spine3", "spine4", "neck", "head", "head_top")


def figure(
    scale: float = 1.0, frames: int = 100, seed: int = 0, noise_m: float = 0.0
) -> np.ndarray:
    """Bones of 0.1 m up the trunk and 0.4 m down the legs, turned and bent at random."""
    rng = np.random.default_rng(seed)
    joints = np.zeros((frames, 28, 3))
    for joint in sorted(range(28), key=lambda j: len(path_to_root(j))):
        parent = BODY.parents[joint]
        if parent != joint:
            name = BODY.names[joint]
            length = 0.4 if name.endswith(("knee", "ankle")) else 0.1
            way = rng.normal(size=(frames, 3))
            way /= np.linalg.norm(way, axis=-1, keepdims=True)
            joints[:, joint] = joints[:, parent] + length * scale * way
    return joints[None] + rng.normal(0, noise_m, (1, frames, 28, 3))


def path_to_root(joint: int) -> list[int]:
    parent = BODY.parents[joint]
    return [joint] if parent == joint else [joint, *path_to_root(parent)]


FIGURE_HEIGHT_M = (len(TRUNK) * 0.1 + 0.8) / 0.975


def scaled(poses, height_m, cut=(), report=None):
    return join_poses(list(scale_to_height(cut_at(poses, cut), height_m=height_m, report=report)))


def test_standing_height_of_known_bones_in_any_pose():
    joints = figure()[0].astype(np.float32)
    sigma = np.ones((100, 28), np.float32)
    assert standing_height_m(joints, sigma) == pytest.approx(FIGURE_HEIGHT_M, rel=1e-4)


def test_unsure_frames_do_not_count():
    joints, sigma = figure()[0].astype(np.float32), np.full((100, 28), 0.02, np.float32)
    joints[:45] *= 3
    sigma[:45] = 0.2
    assert standing_height_m(joints, sigma) == pytest.approx(FIGURE_HEIGHT_M, rel=1e-4)


@pytest.mark.parametrize("height_m", [1.0, 1.7, 2.3])
def test_joints_and_sigma_scale_together(height_m):
    report = ScaleReport()
    poses = make_poses(figure(scale=1.2, noise_m=0.0))
    after = scaled(poses, height_m, report=report)
    factor = height_m / (1.2 * FIGURE_HEIGHT_M)
    np.testing.assert_allclose(after.joints_m, poses.joints_m * factor, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(after.sigma_m, poses.sigma_m * factor, rtol=1e-4)
    assert report.source == ScaleSource.HEIGHT_OPTION
    assert report.factor == pytest.approx(factor, rel=1e-4)


def test_without_a_height_nothing_changes():
    report = ScaleReport()
    chunk = make_poses(figure())
    assert list(scale_to_height([chunk], height_m=None, report=report)) == [chunk]
    assert report == ScaleReport(ScaleSource.MODEL_PRIOR, 1.0)


@settings(max_examples=30, deadline=None)
@given(cuts, st.integers(0, 250), st.integers(1, 100))
def test_result_does_not_depend_on_the_cuts(cut, appears, shown):
    joints = np.full((1, 300, 28, 3), np.nan)
    joints[:, appears : appears + shown] = figure(frames=300, noise_m=0.02)[:, :shown][
        :, : 300 - appears
    ]
    poses = make_poses(joints)
    np.testing.assert_array_equal(scaled(poses, 1.8, cut).joints_m, scaled(poses, 1.8).joints_m)


def test_only_the_first_seconds_decide():
    joints = figure(frames=200)
    joints[:, 100:] *= 5
    after = scaled(make_poses(joints), 1.8, cut=range(0, 200, 10))
    first = after.joints_m[0, :60]
    assert standing_height_m(first, after.sigma_m[0, :60]) == pytest.approx(1.8, rel=1e-4)


def test_frames_before_anybody_appears_are_not_held():
    joints = np.full((1, 600, 28, 3), np.nan)
    joints[:, 500:] = figure()
    waiting = 0

    def chunks():
        nonlocal waiting
        for chunk in cut_at(make_poses(joints), range(0, 600, 10)):
            waiting += len(chunk)
            yield chunk

    for poses in scale_to_height(chunks(), height_m=1.8):
        assert waiting <= 80
        waiting -= len(poses)
    assert waiting == 0


def test_nobody_at_all():
    report = ScaleReport()
    poses = make_poses(np.full((1, 50, 28, 3), np.nan))
    assert len(scaled(poses, 1.8, report=report)) == 50
    assert report.source == ScaleSource.MODEL_PRIOR


def test_others_keep_their_size():
    poses = make_poses(np.concatenate([figure(seed=1), figure(seed=2)]))
    after = scaled(poses, 1.0)
    np.testing.assert_array_equal(after.joints_m[1], poses.joints_m[1])
    assert not np.array_equal(after.joints_m[0], poses.joints_m[0])
