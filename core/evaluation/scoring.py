"""From poses to a table: every metric with its interval, by action and by joint.

What a lifter did not predict is never a number: a pose with a NaN in it enters no mean, and the
table says how many poses there were and how many were scored.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from core.errors import DatasetInvalid
from core.evaluation.bootstrap import clip_interval
from core.evaluation.calibration import ASSUMED, within_region
from core.evaluation.metrics import (
    auc,
    joint_errors,
    mpjpe,
    n_mpjpe,
    pa_mpjpe,
    pck,
    procrustes_aligned,
)
from core.evaluation.motion_metrics import bone_length_drift, jitter, velocity_error
from core.evaluation.reliability import SigmaBin, errors_and_sigmas, sigma_bins
from core.evaluation.stretches import ClipPoses, ScoredJoints
from core.regions import NOMINAL, SigmaRegions

UNITS = {
    "mpjpe": "mm",
    "n_mpjpe": "mm",
    "pa_mpjpe": "mm",
    "pck_150": "%",
    "auc": "%",
    "velocity_error": "mm/s",
    "bone_length_drift": "mm",
    "jitter": "m/s^3",
    "true_jitter": "m/s^3",
}
"""Of every metric in a table; the functions behind them speak metres."""

_OF_MOTION = ("velocity_error", "bone_length_drift", "jitter", "true_jitter")


@dataclass(frozen=True)
class Score:
    """A mean over all values, and its 95 % interval by clip.

    Attributes:
        value: NaN if there were no values.
        low: lower end; NaN with fewer than two clips.
        high: upper end.
        count: how many values: poses, pairs of frames, ... as the metric has it.
    """

    value: float
    low: float
    high: float
    count: int


@dataclass(frozen=True)
class Evaluation:
    """One method on one set of clips.

    Attributes:
        clips: how many.
        poses: how many poses the truth has.
        scored_poses: how many of them were predicted in full; all else is over these.
        overall: by metric, in :data:`UNITS`.
        per_action: the same for each action.
        per_joint: ``mpjpe`` and ``pa_mpjpe`` of each joint, mm.
        within: measured coverage in percent of each nominal region; empty without sigma.
        bins: the same by the size of sigma.
    """

    clips: int
    poses: int
    scored_poses: int
    overall: dict[str, Score]
    per_action: dict[str, dict[str, Score]]
    per_joint: dict[str, dict[str, Score]]
    within: dict[float, Score]
    bins: tuple[SigmaBin, ...]

    @property
    def coverage(self) -> float:
        """Share of the true poses that were predicted, 0 to 1."""
        return self.scored_poses / self.poses if self.poses else float("nan")


def evaluate(
    stretches: Sequence[ClipPoses],
    joints: ScoredJoints,
    seed: int = 0,
    regions: SigmaRegions = ASSUMED,
) -> Evaluation:
    """Score predictions against the truth.

    Args:
        stretches: at least one, all with the joints named.
        joints: what the joints are.
        seed: of the bootstrap.
        regions: what sigma promises.

    Raises:
        DatasetInvalid: there is nothing to score, or the truth holds a NaN; names clip and frame.
    """
    if not stretches:
        raise DatasetInvalid("There is no clip to score.")
    for stretch in stretches:
        _refuse_holes(stretch)
    bones = np.array(joints.bones, np.int64).reshape(-1, 2)
    clips = np.array([stretch.clip for stretch in stretches])
    actions = np.array([stretch.action for stretch in stretches])
    measured = [_measure(stretch, bones) for stretch in stretches]
    by_joint = [_measure_joints(stretch, joints.names) for stretch in stretches]
    covered = [_measure_regions(stretch, joints.root, regions) for stretch in stretches]
    return Evaluation(
        clips=len(set(clips)),
        poses=sum(len(stretch.truth_m) for stretch in stretches),
        scored_poses=sum(len(values["mpjpe"]) for values in measured),
        overall=_pool(measured, clips, seed),
        per_action={
            str(action): _pool([measured[i] for i in rows], clips[rows], seed)
            for action in sorted(set(actions))
            for rows in [np.flatnonzero(actions == action)]
        },
        per_joint=_by_first(_pool(by_joint, clips, seed)),
        within={float(nominal): score for nominal, score in _pool(covered, clips, seed).items()},
        bins=sigma_bins(stretches, joints.root, regions),
    )


_Values = dict[str, Float64[np.ndarray, "_"]]


def _refuse_holes(stretch: ClipPoses) -> None:
    holes = np.flatnonzero(~np.isfinite(stretch.truth_m).all((1, 2)))
    if len(holes):
        raise DatasetInvalid(
            f"The true pose of clip '{stretch.clip}' has a number that is none in frame {holes[0]}."
        )


def _measure(stretch: ClipPoses, bones: Int64[np.ndarray, "bones 2"]) -> _Values:
    """Every finite value of every metric over one stretch, in :data:`UNITS`."""
    joints, truth = stretch.predicted_m.astype(np.float64), stretch.truth_m.astype(np.float64)
    values = {
        "mpjpe": 1000 * mpjpe(joints, truth),
        "n_mpjpe": 1000 * n_mpjpe(joints, truth),
        "pa_mpjpe": 1000 * pa_mpjpe(joints, truth),
        "pck_150": 100 * pck(joints, truth),
        "auc": 100 * auc(joints, truth),
        **dict.fromkeys(_OF_MOTION, np.empty(0)),
    }
    if stretch.time_s is not None:
        time_s = stretch.time_s.astype(np.float64)
        values |= {
            "velocity_error": 1000 * velocity_error(joints, truth, time_s),
            "bone_length_drift": np.array([1000 * bone_length_drift(joints, bones)]),
            "jitter": jitter(joints, time_s),
            "true_jitter": jitter(truth, time_s),
        }
    return {name: found[np.isfinite(found)] for name, found in values.items()}


def _measure_joints(stretch: ClipPoses, names: tuple[str, ...]) -> _Values:
    """Errors of single joints, in mm, over poses that are whole: a table has one set of poses."""
    whole = np.isfinite(stretch.predicted_m).all((1, 2))
    joints = stretch.predicted_m[whole].astype(np.float64)
    truth = stretch.truth_m[whole].astype(np.float64)
    plain = 1000 * joint_errors(joints, truth)
    aligned = 1000 * joint_errors(procrustes_aligned(joints, truth), truth)
    return {
        f"{name}/{metric}": errors[:, joint]
        for joint, name in enumerate(names)
        for metric, errors in (("mpjpe", plain), ("pa_mpjpe", aligned))
    }


def _measure_regions(stretch: ClipPoses, root: int | None, regions: SigmaRegions) -> _Values:
    """100 where the truth lies within a joint's region, 0 where not; the root is left out."""
    if stretch.sigma_m is None:
        return {}
    errors, sigmas = errors_and_sigmas(stretch, root)
    return {
        str(nominal): 100.0 * within_region(errors, sigmas, regions.radius(nominal))
        for nominal in NOMINAL
    }


def _pool(stretches: Sequence[_Values], clips: np.ndarray, seed: int) -> dict[str, Score]:
    """Means over all values, with stretches of one clip taken together for the interval."""
    _, clip = np.unique(clips, return_inverse=True)
    pooled = {}
    for name in stretches[0]:
        sums, counts = np.zeros(clip.max() + 1), np.zeros(clip.max() + 1)
        np.add.at(sums, clip, [values[name].sum() for values in stretches])
        np.add.at(counts, clip, [values[name].size for values in stretches])
        value = float(sums.sum() / counts.sum()) if counts.sum() else float("nan")
        pooled[name] = Score(value, *clip_interval(sums, counts, seed), int(counts.sum()))
    return pooled


def _by_first(scores: dict[str, Score]) -> dict[str, dict[str, Score]]:
    """``{"knee/mpjpe": s}`` as ``{"knee": {"mpjpe": s}}``."""
    table: dict[str, dict[str, Score]] = {}
    for name, score in scores.items():
        row, column = name.rsplit("/", 1)
        table.setdefault(row, {})[column] = score
    return table
