import numpy as np
import pytest

from core.errors import DatasetInvalid
from core.evaluation.scoring import UNITS, evaluate
from core.evaluation.stretches import ClipPoses, ScoredJoints

JOINTS = ScoredJoints(("pelvis", "knee", "ankle"), ((1, 0), (2, 1)), root=0)
TRUTH_M = np.array([[0.0, 0, 0], [0, 0.4, 0], [0, 0.8, 0]])


def stretch(clip: str, off_m: float, frames: int = 5, action: str = "walk", **changes) -> ClipPoses:
    """Everything true but for the ankle, which is off along z all the time."""
    truth = np.repeat(TRUTH_M[None], frames, 0)
    predicted = truth.copy()
    predicted[:, 2, 2] += off_m
    fields = {
        "clip": clip, "action": action, "predicted_m": predicted, "truth_m": truth,
        "time_s": np.arange(frames) / 30, "sigma_m": None,
    }  # fmt: skip
    return ClipPoses(**(fields | changes))


def test_millimetres_by_hand():
    evaluation = evaluate([stretch("a", 0.03), stretch("b", 0.06)], JOINTS)
    assert set(evaluation.overall) == set(UNITS)
    assert evaluation.overall["mpjpe"].value == pytest.approx(15.0)  # (10 + 20) / 2
    assert (evaluation.overall["mpjpe"].low, evaluation.overall["mpjpe"].high) == pytest.approx(
        (10.0, 20.0)
    )
    assert evaluation.overall["pck_150"].value == pytest.approx(100.0)
    assert evaluation.overall["velocity_error"].value == pytest.approx(0.0)
    assert evaluation.overall["jitter"].value == pytest.approx(0.0, abs=1e-9)
    assert evaluation.per_joint["ankle"]["mpjpe"].value == pytest.approx(45.0)
    assert evaluation.per_joint["knee"]["mpjpe"].value == pytest.approx(0.0)
    assert evaluation.per_joint["knee"]["pa_mpjpe"].value > 1  # alignment shares the error
    assert (evaluation.clips, evaluation.poses, evaluation.coverage) == (2, 10, 1.0)


def test_long_clips_weigh_by_their_frames():
    evaluation = evaluate([stretch("a", 0.03, frames=30), stretch("b", 0.06, frames=10)], JOINTS)
    assert evaluation.overall["mpjpe"].value == pytest.approx((30 * 10 + 10 * 20) / 40)


def test_stretches_of_one_clip_are_one_sample():
    apart = evaluate([stretch(f"{i}", 0.01 * i) for i in range(8)], JOINTS)
    together = evaluate([stretch("same", 0.01 * i) for i in range(8)], JOINTS)
    assert together.overall["mpjpe"].value == apart.overall["mpjpe"].value
    assert apart.overall["mpjpe"].high > apart.overall["mpjpe"].low
    assert np.isnan(together.overall["mpjpe"].high)


def test_actions_have_their_own_rows():
    evaluation = evaluate([stretch("a", 0.03), stretch("b", 0.06, action="run")], JOINTS)
    assert list(evaluation.per_action) == ["run", "walk"]
    assert evaluation.per_action["run"]["mpjpe"].value == pytest.approx(20.0)


def test_what_was_not_predicted_is_counted_and_enters_no_mean():
    holed = stretch("a", 0.03)
    holed.predicted_m[1, 2, 0] = np.nan
    holed.predicted_m[3] = np.nan
    evaluation = evaluate([holed, stretch("b", 0.03)], JOINTS)
    assert (evaluation.poses, evaluation.scored_poses, evaluation.coverage) == (10, 8, 0.8)
    assert evaluation.overall["mpjpe"].value == pytest.approx(10.0)
    assert evaluation.overall["mpjpe"].count == 8
    assert evaluation.overall["velocity_error"].count == 4  # of frames 0, 2 and 4 no two in a row
    assert evaluation.per_joint["knee"]["mpjpe"].count == 8


def test_no_prediction_at_all_is_no_score():
    nothing = stretch("a", 0.03)
    nothing.predicted_m[:] = np.nan
    evaluation = evaluate([nothing], JOINTS)
    assert evaluation.coverage == 0
    assert all(
        np.isnan(score.value) and score.count == 0
        for name, score in evaluation.overall.items()
        if name != "true_jitter"
    )


def test_a_hole_in_the_truth_is_named_by_clip_and_frame():
    holed = stretch("S9 Walking", 0.03)
    holed.truth_m[3, 1, 1] = np.nan
    with pytest.raises(DatasetInvalid, match=r"'S9 Walking'.*frame 3"):
        evaluate([holed], JOINTS)
    with pytest.raises(DatasetInvalid, match="no clip"):
        evaluate([], JOINTS)


def test_regions_count_every_joint_but_the_root():
    wide = np.full((5, 3), 0.1)
    near, far = stretch("a", 0.03, sigma_m=wide), stretch("b", 0.3, sigma_m=wide)
    evaluation = evaluate([near, far], JOINTS)
    assert set(evaluation.within) == {0.5, 0.8, 0.9, 0.95}
    # Radii are 1.42, 2.28, 2.83 and 3.35 sigmas: the far ankle, at 3, is in the last one alone.
    assert [evaluation.within[nominal].value for nominal in (0.5, 0.8, 0.9, 0.95)] == (
        pytest.approx([75.0, 75.0, 75.0, 100.0])
    )
    assert evaluation.within[0.5].count == 20


def test_without_sigma_there_are_no_regions():
    assert evaluate([stretch("a", 0.03)], JOINTS).within == {}
