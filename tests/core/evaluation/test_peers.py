"""There is no real reference recording here: these are made up, with errors that are known."""

from dataclasses import replace

import numpy as np
import pytest

from core.chunks import PoseChunk
from core.errors import DatasetInvalid
from core.evaluation.peers import DIFFERENCE, OURS, limb_poses, score_peers
from core.evaluation.reference import LIMB_JOINTS, PoseReference
from core.evaluation.report import plain_peers
from core.runs import cut_poses
from core.skeleton import BODY, KEYPOINT_NAMES
from tests.core.chunk_makers import make_poses
from tests.core.evaluation.reference_files import limbs

FRAMES = 300
TIMES_S = np.arange(FRAMES) / 30


def turned(seed: int = 0) -> np.ndarray:
    rotation, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return rotation * np.sign(np.linalg.det(rotation))


def poses(ours_m: np.ndarray, peer_m: np.ndarray) -> PoseChunk:
    """Both methods' limbs where they belong; everything else is far off and must not matter."""
    joints = np.full((1, len(ours_m), 28, 3), 50.0)
    hint = np.full((1, len(ours_m), 33, 3), 70.0, np.float32)
    for place, name in enumerate(LIMB_JOINTS):
        joints[0, :, BODY.index(name)] = ours_m[:, place]
        hint[0, :, KEYPOINT_NAMES.index(name)] = peer_m[:, place]
    made = make_poses(joints, TIMES_S[: len(ours_m)].copy())
    return PoseChunk(replace(made.track, hint_m=hint), made.joints_m, made.sigma_m)


def shaken(truth: np.ndarray, scale_m: float, seed: int) -> np.ndarray:
    return truth + np.random.default_rng(seed).normal(0, scale_m, truth.shape)


def reference(truth: np.ndarray, **changes) -> PoseReference:
    fields = {"name": "r", "limbs_m": truth, "time_s": TIMES_S[: len(truth)]}
    return PoseReference(**(fields | changes))


def test_neither_place_nor_direction_nor_size_matters_after_alignment():
    truth = limbs(FRAMES)
    made = poses(0.7 * truth @ turned(1).T + 3, truth @ turned(2).T)
    scores = score_peers([limb_poses([made], reference(truth))], "mediapipe")
    for method in (OURS, "mediapipe", DIFFERENCE):
        assert scores.overall[method]["pa_mpjpe"].value == pytest.approx(0, abs=0.01)
    assert (scores.compared, scores.frames) == (FRAMES, FRAMES)


def test_the_nearer_one_is_nearer_and_the_interval_says_how_sure_that_is():
    truth = limbs(FRAMES)
    made = poses(shaken(truth, 0.03, 0), shaken(truth, 0.05, 1))
    scores = score_peers([limb_poses([made], reference(truth @ turned().T))], "mediapipe")
    ours, peer, difference = (
        scores.overall[name]["pa_mpjpe"] for name in (OURS, "mediapipe", DIFFERENCE)
    )
    assert 40 < ours.value < 50  # 3D normal errors of 30 mm are 48 mm long, less the alignment
    assert difference.value == pytest.approx(ours.value - peer.value)
    assert difference.low < difference.value < difference.high < 0
    assert set(scores.overall[OURS]) == {"pa_mpjpe"}  # the camera is unknown
    assert list(scores.per_joint[OURS]) == list(LIMB_JOINTS)


def test_equals_are_not_told_apart():
    truth = limbs(FRAMES)
    made = poses(shaken(truth, 0.03, 0), shaken(truth, 0.03, 1))
    difference = score_peers([limb_poses([made], reference(truth))], "m").overall[DIFFERENCE]
    assert difference["pa_mpjpe"].low < 0 < difference["pa_mpjpe"].high


def test_with_a_known_camera_direction_counts_as_well():
    truth = limbs(FRAMES)
    made = poses(truth, truth @ turned().T)
    known = reference(truth, R_camera_world=np.eye(3))
    overall = score_peers([limb_poses([made], known)], "mediapipe").overall
    assert overall[OURS]["mpjpe"].value == pytest.approx(0, abs=0.01)
    assert overall["mediapipe"]["mpjpe"].value > 100
    assert overall["mediapipe"]["pa_mpjpe"].value == pytest.approx(0, abs=0.01)


def test_only_frames_that_all_have_are_compared():
    truth = limbs(FRAMES)
    made = poses(shaken(truth, 0.01, 0), shaken(truth, 0.01, 1))
    made.joints_m[0, :10] = np.nan
    made.track.hint_m[0, 10:20] = np.nan
    made.track.observed[0, 20:30] = False
    truth[30:40, 5] = np.nan
    clip = limb_poses([made], reference(truth[:200]))
    assert (clip.frames, len(clip.time_s)) == (200, 160)
    assert clip.time_s[0] == pytest.approx(40 / 30)


def test_cuts_into_chunks_change_nothing_and_a_chunk_may_lack_the_hint():
    truth = limbs(FRAMES)
    made = poses(shaken(truth, 0.01, 0), shaken(truth, 0.01, 1))
    pieces = [cut_poses(made, 0, 100), cut_poses(made, 100, FRAMES)]
    np.testing.assert_array_equal(
        limb_poses(pieces, reference(truth)).peer_m, limb_poses([made], reference(truth)).peer_m
    )
    bare = replace(pieces[0], track=replace(pieces[0].track, hint_m=None))
    assert len(limb_poses([bare, pieces[1]], reference(truth)).time_s) == 200


def test_several_recordings_are_pooled_and_listed():
    truth = limbs(FRAMES)
    clips = [
        limb_poses([poses(shaken(truth, 0.02, seed), shaken(truth, 0.04, 9))], reference(truth))
        for seed in range(2)
    ]
    scores = score_peers(clips, "mediapipe")
    assert list(scores.per_clip) == ["r (1)", "r (2)"]
    means = [rows[OURS].value for rows in scores.per_clip.values()]
    assert scores.overall[OURS]["pa_mpjpe"].value == pytest.approx(np.mean(means))
    plain = plain_peers(scores)
    assert plain["overall_mm"][DIFFERENCE]["pa_mpjpe"]["high"] < 0
    assert plain["compared"] == 2 * FRAMES


def test_what_cannot_be_compared_is_refused_in_words():
    truth = limbs(FRAMES)
    made = poses(truth, truth)
    without = replace(made, track=replace(made.track, hint_m=None))
    with pytest.raises(DatasetInvalid, match="has no 3D"):
        limb_poses([without], reference(truth))
    with pytest.raises(DatasetInvalid, match="has no 3D"):
        limb_poses([], reference(truth))
    with pytest.raises(DatasetInvalid, match="do not meet"):
        limb_poses([made], reference(truth, time_s=TIMES_S + 100))
    made.track.observed[:] = False
    with pytest.raises(DatasetInvalid, match="no frame has all twelve"):
        limb_poses([made], reference(truth))
