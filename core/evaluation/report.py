"""An evaluation as plain values for JSON; what is no number is null."""

import math
from typing import Any

from core.evaluation.peers import BLOCK_S, PeerScores
from core.evaluation.protocols import Outcome
from core.evaluation.reference import LIMB_JOINTS
from core.evaluation.reliability import SigmaBin
from core.evaluation.scoring import UNITS, Evaluation, Score


def plain(outcome: Outcome) -> dict[str, Any]:
    """Everything that was measured, with units beside it."""
    return {
        "units": UNITS,
        "interval": "95 %, bootstrap over clips",
        "notes": list(outcome.notes),
        "cases": {name: _plain_case(case) for name, case in outcome.cases.items()},
    }


def _plain_case(case: Evaluation) -> dict[str, Any]:
    return {
        "clips": case.clips,
        "poses": case.poses,
        "scored_poses": case.scored_poses,
        "coverage": _number(case.coverage),
        "overall": _plain_scores(case.overall),
        "per_action": {name: _plain_scores(row) for name, row in case.per_action.items()},
        "per_joint": {name: _plain_scores(row) for name, row in case.per_joint.items()},
        "sigma_within_percent": _plain_scores(
            {f"{100 * nominal:g}": score for nominal, score in case.within.items()}
        ),
        "sigma_bins": [_plain_bin(each) for each in case.bins],
    }


def _plain_bin(each: SigmaBin) -> dict[str, Any]:
    return {
        "from_m": each.least_m,
        "to_m": _number(each.most_m),
        "joints": each.joints,
        "mean_sigma_m": _number(each.mean_sigma_m),
        "mean_error_m": _number(each.mean_error_m),
        "within_percent": {f"{100 * p:g}": _number(value) for p, value in each.within.items()},
    }


def _plain_scores(scores: dict[str, Score]) -> dict[str, Any]:
    return {
        name: {
            "value": _number(score.value),
            "low": _number(score.low),
            "high": _number(score.high),
            "count": score.count,
        }
        for name, score in scores.items()
    }


def _number(value: float) -> float | None:
    return round(value, 4) if math.isfinite(value) else None


def plain_peers(scores: PeerScores) -> dict[str, Any]:
    """Two methods beside each other, millimetres."""
    return {
        "interval": f"95 %, bootstrap over blocks of {BLOCK_S:g} s",
        "joints": list(LIMB_JOINTS),
        "frames": scores.frames,
        "compared": scores.compared,
        "overall_mm": {name: _plain_scores(row) for name, row in scores.overall.items()},
        "per_joint_mm": {name: _plain_scores(row) for name, row in scores.per_joint.items()},
        "per_clip_pa_mpjpe_mm": {name: _plain_scores(row) for name, row in scores.per_clip.items()},
    }
