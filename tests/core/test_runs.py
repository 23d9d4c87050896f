from dataclasses import replace

import numpy as np
from hypothesis import given

from core.runs import cut_track, join_poses, join_tracks
from tests.core.chunk_makers import cut_at, cuts, make_poses, make_track


@given(cuts)
def test_cut_then_join_is_the_same_run(cut):
    joints = np.random.default_rng(0).normal(size=(2, 40, 28, 3))
    poses = make_poses(joints)
    joined = join_poses(cut_at(poses, cut))
    np.testing.assert_array_equal(joined.joints_m, poses.joints_m)
    np.testing.assert_array_equal(joined.sigma_m, poses.sigma_m)
    np.testing.assert_array_equal(joined.track.keypoints_px, poses.track.keypoints_px)
    np.testing.assert_array_equal(joined.track.frame_index, poses.track.frame_index)
    assert joined.track.hint_m is None


def test_frames_without_a_hint_get_nan_beside_frames_that_have_one():
    plain = make_track(3)
    hinted = replace(plain, hint_m=np.ones((1, 3, 33, 3), np.float32))
    hint_m = join_tracks([plain, hinted]).hint_m
    assert hint_m is not None
    assert np.isnan(hint_m[:, :3]).all()
    assert (hint_m[:, 3:] == 1).all()
    cut = cut_track(hinted, 1, 3).hint_m
    assert cut is not None
    assert cut.shape == (1, 2, 33, 3)


def test_a_cut_does_not_keep_the_rest_alive():
    track = make_track(100)
    assert not np.shares_memory(cut_track(track, 0, 1).keypoints_px, track.keypoints_px)
