import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.evaluation.metrics import auc, mpjpe, n_mpjpe, pa_mpjpe, pck, procrustes_aligned


def test_mpjpe_by_hand():
    truth = np.zeros((1, 2, 3))
    joints = np.array([[[3.0, 4.0, 0.0], [0.0, 0.0, 1.0]]])
    assert mpjpe(joints, truth).tolist() == [3.0]  # (5 + 1) / 2


def test_n_mpjpe_by_hand():
    truth = np.array([[[2.0, 0, 0], [0, 2.0, 0]]])
    assert n_mpjpe(truth / 4, truth) == pytest.approx([0])
    # best scale for (1, 0, 0), (0, 0, 1) is 2 / 2 = 1: errors 1 and sqrt(1 + 4)
    joints = np.array([[[1.0, 0, 0], [0, 0, 1.0]]])
    assert n_mpjpe(joints, truth) == pytest.approx([(1 + 5**0.5) / 2])


def random_pose(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(1, 12, 3))


def random_rotation(seed: int) -> np.ndarray:
    matrix, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return matrix * np.sign(np.linalg.det(matrix))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.2, 5))
def test_procrustes_undoes_any_similarity(seed, scale):
    truth = random_pose(seed)
    moved = scale * truth @ random_rotation(seed + 1).T + np.array([1.0, -2.0, 3.0])
    np.testing.assert_allclose(procrustes_aligned(moved, truth), truth, atol=1e-8)


def test_procrustes_never_mirrors():
    truth = random_pose(0)
    assert pa_mpjpe(truth * [-1, 1, 1], truth)[0] > 0.1


def test_pa_mpjpe_by_hand():
    # A unit square against itself with one corner pushed 0.4 outwards along the diagonal, in plane.
    square = np.array([[[1.0, 1, 0], [-1, 1, 0], [-1, -1, 0], [1, -1, 0]]])
    pushed = square.copy()
    pushed[0, 0] *= 1.4
    # Symmetry about the diagonal leaves no rotation. Centred corners of the pushed square are
    # (1.3, 1.3), (-1.1, 0.9), (-1.1, -1.1), (0.9, -1.1); <p, t> = 8.8, |p|^2 = 9.84.
    scale = 8.8 / 9.84
    centred = pushed[0, :, :2] - 0.1
    expected = np.linalg.norm(scale * centred - square[0, :, :2], axis=-1).mean()
    assert pa_mpjpe(pushed, square)[0] == pytest.approx(expected, abs=1e-9)


def test_alignment_only_ever_helps():
    joints, truth = random_pose(3), random_pose(4)
    joints, truth = joints - joints[:, :1], truth - truth[:, :1]
    residual = np.square(procrustes_aligned(joints, truth) - truth).sum()
    assert residual <= np.square(joints - truth).sum()


def test_pck_and_auc_by_hand():
    truth = np.zeros((1, 4, 3))
    joints = np.zeros((1, 4, 3))
    joints[0, :, 0] = [0.0, 0.0725, 0.15, 0.2]
    # 150 mm is not nearer than 150 mm.
    assert pck(joints, truth).tolist() == [0.5]
    # Radii 0, 5, ..., 150 mm: the joint at 0 is within 30 of them, that at 72.5 within 16.
    assert auc(joints, truth) == pytest.approx([(30 + 16) / 31 / 4])


@pytest.mark.parametrize("metric", [mpjpe, n_mpjpe, pa_mpjpe, pck, auc])
def test_a_pose_with_a_nan_has_no_score_and_spoils_no_other(metric):
    joints, truth = np.repeat(random_pose(1), 3, 0), np.repeat(random_pose(2), 3, 0)
    whole = metric(joints, truth)
    joints[1, 5, 2] = np.nan
    scores = metric(joints, truth)
    assert np.isnan(scores).tolist() == [False, True, False]
    np.testing.assert_array_equal(scores[[0, 2]], whole[[0, 2]])
