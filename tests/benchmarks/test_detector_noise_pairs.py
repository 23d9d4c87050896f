from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.detector_noise_alignment import rotation_vector_deg, similarity
from benchmarks.detector_noise_pairs import CHAINS, LIMB_JOINTS, compare, person_scale, rows
from core.skeleton import KEYPOINT_MIRROR, KEYPOINT_NAMES
from tests.benchmarks.detector_runs import PX_PER_M, perfect_run


def about(axis: int, degrees: float) -> np.ndarray:
    """Rotation matrix about one axis, right-handed."""
    sine, cosine = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    first, second = (axis + 1) % 3, (axis + 2) % 3
    matrix = np.eye(3)
    matrix[[first, second], [first, second]] = cosine
    matrix[second, first], matrix[first, second] = sine, -sine
    return matrix


def swapped(points: np.ndarray, chain: str) -> np.ndarray:
    points = points.copy()
    points[:, CHAINS[chain]] = points[:, KEYPOINT_MIRROR[CHAINS[chain]]]
    return points


def test_limb_joints_are_the_twelve():
    assert [KEYPOINT_NAMES[row] for row in LIMB_JOINTS] == [
        f"{side}_{part}"
        for part in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
        for side in ("left", "right")
    ]


@settings(max_examples=30, deadline=None)
@given(axis=st.integers(0, 2), degrees=st.floats(-80, 80), scale=st.floats(0.5, 2.0))
def test_a_turn_and_a_scale_are_found_again(axis, degrees, scale):
    pose = perfect_run(2).hint_m[:, LIMB_JOINTS]
    turned = scale * pose @ about(axis, degrees).T + [1.0, 2.0, 3.0]
    rotation, size = similarity(pose, turned)
    np.testing.assert_allclose(size, scale, rtol=1e-6)
    vector = rotation_vector_deg(rotation)
    np.testing.assert_allclose(vector[:, axis], degrees, atol=1e-4)
    np.testing.assert_allclose(np.delete(vector, axis, 1), 0, atol=1e-4)


def test_the_scale_of_a_person_is_pixels_over_metres_and_unknown_where_nobody_is():
    run = perfect_run(40)
    run.keypoints_px[5:9] = np.nan
    run.hint_m[5:9] = np.nan
    scale = person_scale(run)
    np.testing.assert_allclose(np.delete(scale, slice(5, 9)), PX_PER_M)
    assert np.isnan(scale[5:9]).all()


def test_a_keypoint_beside_its_place_is_off_by_metres_at_the_persons_depth():
    run = perfect_run(10)
    off = replace(run, keypoints_px=run.keypoints_px + 0)
    off.keypoints_px[:, 15] += [0.03 * PX_PER_M, -0.04 * PX_PER_M]
    pair = compare(run, off, person_scale(run))
    np.testing.assert_allclose(pair.keypoints_m[:, 15], [[0.03, -0.04]] * 10, atol=1e-9)
    assert not np.delete(pair.keypoints_m, 15, 1).any()
    assert not pair.any_swap.any()


def test_a_tilted_smaller_hint_is_turned_back_and_leaves_nothing():
    run = perfect_run(10)
    tilted = replace(run, hint_m=0.9 * run.hint_m @ about(0, 8.0))  # so that the way back is +8
    pair = compare(run, tilted, person_scale(run))
    np.testing.assert_allclose(pair.turn_deg, [[8.0, 0, 0]] * 10, atol=1e-6)
    np.testing.assert_allclose(pair.log_scale, -np.log(0.9), atol=1e-9)
    np.testing.assert_allclose(pair.hint_m, 0, atol=1e-9)
    assert np.abs(pair.apart_m).max() > 0.05


@pytest.mark.parametrize("chain", ["arms", "legs"])
def test_exchanged_sides_are_noticed_in_2d_and_3d_apart(chain):
    run = perfect_run(12)
    other = replace(run, keypoints_px=run.keypoints_px.copy(), hint_m=run.hint_m.copy())
    other.keypoints_px[3:6] = swapped(run.keypoints_px, chain)[3:6]
    other.hint_m[5:8] = swapped(run.hint_m, chain)[5:8]
    pair = compare(run, other, person_scale(run))
    assert np.flatnonzero(pair.swapped_2d[chain]).tolist() == [3, 4, 5]
    assert np.flatnonzero(pair.swapped_3d[chain]).tolist() == [5, 6, 7]
    assert not pair.swapped_2d["arms" if chain == "legs" else "legs"].any()
    assert np.flatnonzero(pair.any_swap).tolist() == [3, 4, 5, 6, 7]


def test_a_leg_put_onto_the_other_is_merged_not_swapped():
    run = perfect_run(9)
    other = replace(run, keypoints_px=run.keypoints_px.copy())
    left = rows("knee", "ankle", "heel", "foot_index")[::2]
    other.keypoints_px[4, left] = run.keypoints_px[4, KEYPOINT_MIRROR[left]]
    pair = compare(run, other, person_scale(run))
    assert np.flatnonzero(pair.merged["legs"]).tolist() == [4]
    assert not pair.merged["arms"].any()
    assert not pair.any_swap.any()


def test_frames_without_a_person_or_with_an_unsure_one_do_not_count():
    run = perfect_run(8)
    other = replace(run, keypoints_px=run.keypoints_px.copy(), confidence=run.confidence.copy())
    other.keypoints_px[2] = other.confidence[2] = np.nan
    other.confidence[5] = 0.1
    pair = compare(run, other, person_scale(run))
    assert np.flatnonzero(~pair.comparable).tolist() == [2, 5]
    assert np.isnan(pair.keypoints_m[[2, 5]]).all()
    assert np.isnan(pair.hint_m[[2, 5]]).all()


def test_of_a_body_cut_by_the_picture_no_3d_is_compared():
    run = perfect_run(6)
    cut = replace(run, size_px=np.array([1280.0, 600.0]))  # the ankles are below
    pair = compare(cut, cut, person_scale(run))
    assert pair.comparable.all()
    assert not pair.inside[:, rows("ankle")].any()
    assert pair.inside[:, rows("shoulder")].all()
    assert np.isnan(pair.log_scale).all()
