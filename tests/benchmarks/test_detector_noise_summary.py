from dataclasses import replace

import numpy as np
import pytest

from benchmarks.detector_noise_alone import bone_spread, lateness_ms, own_projection, unbroken
from benchmarks.detector_noise_episodes import episodes_s
from benchmarks.detector_noise_pairs import CHAINS, LIMB_JOINTS, compare, person_scale
from benchmarks.detector_noise_summary import summarise
from core.skeleton import KEYPOINT_MIRROR
from tests.benchmarks.detector_runs import PX_PER_M, perfect_run, shaken


@pytest.fixture(scope="module")
def summary():
    """White noise of 1 cm in 2D and 2 cm in 3D; legs exchanged in ten frames, in 3D in four."""
    run = perfect_run(200)
    other = shaken(run, np.random.default_rng(0), keypoints_m=0.01, hint_m=0.02)
    legs = CHAINS["legs"]
    for points, frames in ((other.keypoints_px, slice(20, 30)), (other.hint_m, slice(26, 30))):
        points[frames, legs] = points[frames][:, KEYPOINT_MIRROR[legs]]
    other.confidence[:, 15] = 0.2
    other.keypoints_px[100:106, 15] += 0.3 * PX_PER_M
    return summarise([compare(run, other, person_scale(run))])


def test_noise_comes_back_with_its_size(summary):
    for part in ("shoulder", "knee", "toe"):
        found = summary["parts"][part]
        assert found["keypoints_cm"]["spectrum"]["jitter"] == pytest.approx(1.0, rel=0.1)
        assert found["keypoints_cm"]["spectrum"]["bias"] < 0.3
        assert found["keypoints_cm"]["median"] == pytest.approx(1.18, rel=0.1)  # Rayleigh's
    assert summary["frames"] == summary["frames_3d"] == 200
    assert summary["hint"]["depth_over_sideways"] == pytest.approx(1.0, rel=0.2)
    assert summary["parts"]["toe"]["hint_depth_cm"]["jitter"] == pytest.approx(2.0, rel=0.25)


def test_independent_2d_and_3d_noise_share_nothing(summary):
    assert all(abs(share) < 0.1 for share in summary["hint"]["shared_with_2d"])


def test_swaps_are_counted_in_2d_and_in_3d(summary):
    legs = summary["swaps"]["legs"]
    assert (legs["frames_2d"], legs["frames_3d"], legs["frames_both"]) == (10, 4, 4)
    assert legs["share"] == pytest.approx(0.05)
    assert legs["median_s"] == pytest.approx(1 / 3, abs=0.01)
    assert legs["a_minute"] == pytest.approx(9.0, rel=0.01)  # one in 200 frames
    assert summary["swaps"]["arms"]["frames_2d"] == 0


def test_a_burst_is_told_with_its_length_and_how_unsure_the_joint_was(summary):
    wrist = summary["parts"]["wrist"]["bursts"]
    assert wrist["share"] == pytest.approx(6 / 380, abs=0.002)
    assert wrist["median_s"] == pytest.approx(0.2, abs=0.01)
    assert wrist["share_unsure"] == pytest.approx(6 / 190, abs=0.002)
    assert wrist["share_sure"] == 0
    assert summary["parts"]["knee"]["bursts"]["share"] == 0


def test_confidence_steps_cover_every_joint_once(summary):
    steps = summary["confidence"]
    assert sum(step["joints"] for step in steps) == 190 * len(LIMB_JOINTS)
    assert [step["to"] for step in steps[:-1]] == [step["from"] for step in steps[1:]]
    assert next(step for step in steps if step["from"] == 0.1)["joints"] == 190


def test_episodes_are_unbroken_runs():
    mark = np.array([1, 1, 0, 0, 1, 0, 1, 1, 1], bool)
    assert episodes_s(mark, 0.5) == [1.0, 0.5, 1.5]
    assert episodes_s(np.zeros(4, bool), 0.5) == []


def test_stretches_end_where_frames_are_missing():
    counts = np.ones(50, bool)
    counts[20] = False
    counts[45] = False
    assert [(s[0], s[-1]) for s in unbroken(counts)] == [(0, 19), (21, 44)]


def test_stiff_bones_do_not_spread_and_stretched_ones_do():
    run, everything = perfect_run(60), np.ones(60, bool)
    assert bone_spread([(run, everything)])["thigh"] == {
        "spread_cm": 0.0,
        "left_right_percent": 0.0,
    }
    stretched = replace(run, hint_m=run.hint_m.copy())
    stretched.hint_m[::2, 25, 1] += 0.04  # the left knee, every other frame
    found = bone_spread([(stretched, everything)])
    # Two centimetres on one side, none on the other; nearly so, as knees stand a little forward.
    assert found["thigh"]["spread_cm"] == pytest.approx(1.0, abs=0.1)
    assert found["shank"]["spread_cm"] == pytest.approx(1.0, abs=0.1)
    untouched = bone_spread([(replace(run, hint_m=0.9 * run.hint_m), everything)])
    assert untouched["shank"]["spread_cm"] == 0.0


def test_a_hint_that_projects_onto_its_keypoints_leaves_nothing():
    run, everything = perfect_run(40), np.ones(40, bool)
    assert own_projection([(run, everything)])["p90"] == 0
    off = replace(run, hint_m=run.hint_m.copy())
    off.hint_m[:, LIMB_JOINTS, 0] += np.resize([0.05, -0.05], len(LIMB_JOINTS))
    assert 3 < own_projection([(off, everything)])["median"] < 7


def test_smoothing_that_trails_is_timed():
    run = perfect_run(300)
    late = replace(run, keypoints_px=perfect_run(303).keypoints_px[:300])
    ahead = replace(run, keypoints_px=perfect_run(303).keypoints_px[3:])
    pair = compare(late, ahead, person_scale(run))
    found = lateness_ms(late, ahead, pair)
    assert found["lateness_ms"] == pytest.approx(100, abs=5)
    assert found["after_cm"] < 0.2 * found["before_cm"]


def test_a_slow_clip_says_nothing_about_lateness():
    run = perfect_run(100, fps=10)
    pair = compare(run, run, person_scale(run))
    assert lateness_ms(run, run, pair)["lateness_ms"] is None
