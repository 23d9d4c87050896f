from dataclasses import replace

import numpy as np
import pytest
import torch

from core.evaluation.whole_clips import (
    CLIP_FRAMES,
    CONDITIONS,
    LIMBS,
    draw_clips,
    lift_held_out,
)
from core.models.circumstances import CIRCUMSTANCES
from core.skeleton import BODY, KEYPOINT_NAMES
from core.training.dice import Dice
from core.training.motion import load_motion
from tests.core.models.inputs import AS_PACKAGED, make_lifter
from tests.core.training.motion_files import write_motion

CPU = torch.device("cpu")


@pytest.fixture
def library(tmp_path):
    path = write_motion(tmp_path / "motion.npz", subjects=("01", "09", "09"), frames=200)
    return load_motion(path)


def lifted(library, condition, **changes):
    options = {"clips": 3, "seed": 0, "device": CPU} | changes
    return list(lift_held_out(make_lifter(), library, CONDITIONS[condition], **options))


def test_every_subject_counts_the_same(library):
    stretches = lifted(library, "clean", actions={"01_01": "walk"})
    assert len(stretches) == 6
    assert [stretch.clip[:2] for stretch in stretches] == ["01"] * 3 + ["09"] * 3
    assert {(stretch.clip, stretch.action) for stretch in stretches} == {
        ("01_01", "walk"), ("09_01", "all"),
    }  # fmt: skip
    for stretch in stretches:
        assert stretch.predicted_m.shape == (CLIP_FRAMES, 28, 3)
        assert np.isfinite(stretch.predicted_m).all()


def test_smoothing_moves_joints_and_leaves_sigma(library):
    smooth, rough = lifted(library, "noisy"), lifted(library, "noisy", smoothing=False)
    for one, other in zip(smooth, rough, strict=True):
        np.testing.assert_array_equal(one.truth_m, other.truth_m)
        np.testing.assert_array_equal(one.sigma_m, other.sigma_m)
    assert any(
        not np.array_equal(one.predicted_m, other.predicted_m)
        for one, other in zip(smooth, rough, strict=True)
    )


def test_one_limb_is_hidden_for_a_while_and_nothing_else(library):
    batch = draw_clips(library, Dice(0), 12, CONDITIONS["hidden"])
    whole = draw_clips(library, Dice(0), 12, CONDITIONS["noisy"])
    for row in range(12):
        taken = (batch.confidence[row] == 0) & (whole.confidence[row] > 0)
        points = {int(point) for point in taken.any(0).nonzero()}
        (limb,) = [limb for limb in LIMBS if points and points <= set(limb)] or [()]
        frames = taken.any(1).nonzero().flatten()
        if not limb:
            continue  # the limb was out of the picture anyhow
        assert len(frames) >= CLIP_FRAMES // 3 - 1
        assert torch.isnan(batch.rays[row][frames[0]][list(points)]).all()
    assert (batch.confidence == 0).float().mean() > (whole.confidence == 0).float().mean() + 0.05


def test_a_hint_is_given_only_where_a_detector_gives_one(library):
    for name, given in (("clean", False), ("noisy", False), ("hinted", True)):
        hint_m = draw_clips(library, Dice(0), 2, CONDITIONS[name]).hint_m
        assert hint_m is not None
        assert bool(torch.isfinite(hint_m).all()) is given


def test_frames_in_which_nothing_is_seen_have_neither_pose_nor_sigma(library):
    stretches = lifted(library, "noisy", clips=16)
    for stretch in stretches:
        absent = np.isnan(stretch.seen).all((1, 2))
        assert np.isnan(stretch.predicted_m[absent]).all()
        assert np.isnan(stretch.sigma_m[absent]).all()
        assert np.isfinite(stretch.sigma_m[~absent]).all()


def test_other_layouts_lack_keypoints(library):
    batch = draw_clips(library, Dice(0), 2, CONDITIONS["clean, coco17"])
    known = {KEYPOINT_NAMES[point] for point in (batch.confidence > 0).any((0, 1)).nonzero()}
    assert len(known) == 17
    assert "left_heel" not in known


def test_what_can_be_seen_goes_the_way_of_sigma(library):
    lifter = make_lifter(replace(AS_PACKAGED, circumstances=True))
    options = {"clips": 2, "seed": 0, "device": CPU}
    stretches = list(lift_held_out(lifter, library, CONDITIONS["hidden"], tells=lifter, **options))
    assert all(one.circumstances is None for one in lifted(library, "hidden", clips=2))
    wrist = BODY.index("left_wrist")
    for stretch in stretches:
        told = stretch.circumstances
        assert told.shape == (CLIP_FRAMES, 28, len(CIRCUMSTANCES))
        np.testing.assert_array_equal(np.isnan(told).any(-1), np.isnan(stretch.sigma_m))
        elbow_and_wrist = [KEYPOINT_NAMES.index(f"left_{part}") for part in ("elbow", "wrist")]
        gone = np.isnan(stretch.seen[:, elbow_and_wrist]).any(-1).mean(-1)
        seen = ~np.isnan(stretch.sigma_m[:, wrist])
        missing = told[seen, wrist, CIRCUMSTANCES.index("missing")]
        np.testing.assert_allclose(missing, gone[seen], atol=1e-6)
    assert any((stretch.circumstances[..., 1] > 0).any() for stretch in stretches)
