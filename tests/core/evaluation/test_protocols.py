import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from core.errors import DatasetInvalid
from core.evaluation.predictions import lift_sequence
from core.evaluation.protocols import PROTOCOLS, Request, cmu_heldout
from core.evaluation.report import plain
from core.models import LiftedPose
from core.skeleton import BODY, KEYPOINT_NAMES
from core.training.dice import Dice
from core.training.formats.joint_layouts import CMU28, H36M17, HUMANEVA15, MPI_INF17, MPI_INF28
from core.training.formats.sequence import PoseSequence
from core.training.heldout import HeldOutSet, in_layout, measure
from core.training.motion import load_motion
from core.training.sampler import CLEAN, HINTED, NOISY, draw_batch
from tests.core.models.inputs import make_lifter
from tests.core.training.format_files import (
    project,
    write_annot,
    write_combined,
    write_videopose3d,
)
from tests.core.training.motion_files import standing, write_motion

CPU = torch.device("cpu")
STANDING_M = (standing() * [1, -1, 1]).astype(np.float32)


class Statue(torch.nn.Module):
    """Whatever it sees, it says that somebody stands there; remembers what it was shown."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, rays, confidence, time_s, hint_m=None):
        self.seen.append((rays, confidence))
        pose = torch.from_numpy(STANDING_M - STANDING_M[BODY.root])
        joints_m = pose.expand(*time_s.shape, *pose.shape)
        return LiftedPose(joints_m, torch.full(joints_m.shape[:-1], 0.05))


def standing_sequence(layout, frames=40, fps=30.0):
    joints_m = np.zeros((frames, layout.joints, 3), np.float32)
    for name, place in layout.body.items():
        joints_m[:, place] = STANDING_M[BODY.index(name)]
    joints_m += np.float32([0.3, 1, 4])
    return PoseSequence(
        name="S9 Standing", subject="S9", action="Standing", camera="0", fps=fps, layout=layout,
        joints_m=joints_m, axes="camera", keypoints_px=project(joints_m, 1000, 1100),
        width_px=1000, height_px=1000,
    )  # fmt: skip


@pytest.mark.parametrize("fps", [30.0, None])
@pytest.mark.parametrize("layout", [CMU28, MPI_INF28, MPI_INF17, H36M17, HUMANEVA15])
def test_joints_of_every_layout_meet_their_counterparts(layout, fps):
    poses = lift_sequence(Statue(), standing_sequence(layout, fps=fps), CPU)
    assert poses.predicted_m.shape == (40, len(layout.names), 3)
    np.testing.assert_allclose(poses.predicted_m, poses.truth_m, atol=1e-6)
    assert np.abs(poses.truth_m).max() > 0.7


def test_the_lifter_sees_the_datasets_points_where_ours_are():
    statue, sequence = Statue(), standing_sequence(H36M17, frames=5)
    lift_sequence(statue, sequence, CPU)
    rays, confidence = statue.seen[0]
    known = {KEYPOINT_NAMES[i] for i in np.flatnonzero(confidence[0, 0] > 0)}
    assert known == set(H36M17.keypoints)
    left, right = (KEYPOINT_NAMES.index(f"{side}_shoulder") for side in ("left", "right"))
    assert rays[0, 0, left, 0] > rays[0, 0, right, 0]


def test_frames_without_2d_have_no_prediction():
    for fps in (30.0, None):
        sequence = standing_sequence(H36M17, fps=fps)
        pixels = sequence.keypoints_px.copy()
        pixels[-3:] = np.nan
        poses = lift_sequence(Statue(), replace(sequence, keypoints_px=pixels), CPU)
        assert np.isnan(poses.predicted_m[-3:]).all()
        assert np.isfinite(poses.predicted_m[:-3]).all()


def test_a_sequence_without_2d_cannot_be_lifted():
    with pytest.raises(DatasetInvalid, match="no 2D"):
        lift_sequence(Statue(), replace(standing_sequence(H36M17), keypoints_px=None), CPU)


def test_held_out_numbers_are_those_of_the_training_log(tmp_path):
    path = write_motion(tmp_path / "motion.npz", subjects=("02", "09", "01"))
    model = make_lifter().eval()
    outcome = cmu_heldout(model, Request(path, clips=70))
    unseen = load_motion(path).of_subjects(["01", "09"], inside=True)
    for name, dice, difficulty in (("clean", Dice(1), CLEAN), ("noisy", Dice(2), NOISY)):
        logged = measure(model, HeldOutSet.draw(unseen, dice, 70, difficulty), CPU)
        overall = outcome.cases[name].overall
        for metric in ("mpjpe", "n_mpjpe", "pa_mpjpe"):
            assert overall[metric].value == pytest.approx(logged[f"{metric}_mm"], abs=0.02)
        assert outcome.cases[name].clips == 2
        assert outcome.cases[name].poses == 70 * 27
        assert overall["mpjpe"].low < overall["mpjpe"].high


def test_other_layouts_see_the_same_windows_through_fewer_keypoints(tmp_path):
    path = write_motion(tmp_path / "motion.npz", subjects=("01", "09"))
    unseen = load_motion(path).of_subjects(["01", "09"], inside=True)
    batch = draw_batch(unseen, Dice(1), 4, 5, HINTED)
    limbs = in_layout(batch, "h36m17")
    known = limbs.confidence > 0
    assert not known[..., KEYPOINT_NAMES.index("left_heel")].any()
    assert known[..., KEYPOINT_NAMES.index("left_knee")].any()
    assert torch.isnan(limbs.rays[~known]).all()
    assert limbs.hint_m is None
    torch.testing.assert_close(limbs.rays[known], batch.rays[known])


def test_windows_are_booked_under_their_own_clip_and_action(tmp_path):
    """Clips that differ in length of their bones alone show whose window is whose."""
    path = write_motion(
        tmp_path / "motion.npz", subjects=("01", "09"), desc=np.array(["walk - a", "run"])
    )
    outcome = cmu_heldout(make_lifter().eval(), Request(path, clips=20))
    case = outcome.cases["clean"]
    assert set(case.per_action) == {"walk", "run"}
    assert sum(row["mpjpe"].count for row in case.per_action.values()) == 20 * 27


def test_h36m_and_combined_protocols_run_from_files(tmp_path):
    paths = write_videopose3d(tmp_path, "h36m", ["S1", "S9", "S11"])
    outcome = PROTOCOLS["h36m"](Statue(), Request(paths[0], paths[1]))
    case = outcome.cases["S9 and S11"]
    assert (case.clips, case.coverage) == (4, 1.0)
    assert set(case.per_action) == {"Walking"}
    assert any("hip" in note for note in outcome.notes)
    fewer = PROTOCOLS["h36m"](Statue(), Request(paths[0], paths[1], clips=3))
    assert fewer.cases["S9 and S11"].clips == 3
    with pytest.raises(DatasetInvalid, match="2D in a file of its own"):
        PROTOCOLS["h36m"](Statue(), Request(paths[0]))

    combined = write_combined(tmp_path / "mpi_inf_combined.npz")
    outcome = PROTOCOLS["mpi-inf-3dhp"](Statue(), Request(combined))
    assert outcome.cases["combined"].poses == 6
    with pytest.raises(DatasetInvalid, match=r"no annot\.mat"):
        PROTOCOLS["mpi-inf-3dhp"](Statue(), Request(tmp_path / "nothing"))

    paths = write_videopose3d(tmp_path, "humaneva15", ["Train/S1", "Validate/S2"])
    outcome = PROTOCOLS["humaneva15"](Statue(), Request(paths[0], paths[1]))
    assert outcome.cases["validation"].clips == 2


def test_single_frames_have_no_speed_and_one_clip_no_interval_and_json_says_null(tmp_path):
    combined = write_combined(tmp_path / "mpi_inf_combined.npz")
    outcome = PROTOCOLS["mpi-inf-3dhp"](Statue(), Request(combined))
    overall = plain(outcome)["cases"]["combined"]["overall"]
    assert overall["mpjpe"]["value"] > 0
    assert overall["mpjpe"]["low"] is None
    for metric in ("velocity_error", "jitter", "true_jitter", "bone_length_drift"):
        assert overall[metric] == {"value": None, "low": None, "high": None, "count": 0}
    assert math.isnan(outcome.cases["combined"].overall["jitter"].value)


def test_mpi_inf_reports_both_truths_apart(tmp_path):
    scipy_io = pytest.importorskip("scipy.io", reason="the extra 'datasets' is not installed")
    for sequence in ("Seq1", "Seq2"):
        write_annot(tmp_path / "S1" / sequence, scipy_io.savemat)
    outcome = PROTOCOLS["mpi-inf-3dhp"](Statue(), Request(tmp_path))
    assert list(outcome.cases) == ["annot3", "univ_annot3"]
    metric, universal = outcome.cases.values()
    assert (metric.clips, universal.clips) == (4, 4)
    assert metric.overall["mpjpe"].value < universal.overall["mpjpe"].value  # 10 % smaller people
    assert metric.overall["n_mpjpe"].value == pytest.approx(
        universal.overall["n_mpjpe"].value / 0.9, rel=1e-4
    )
    assert any("not comparable" in note for note in outcome.notes)
