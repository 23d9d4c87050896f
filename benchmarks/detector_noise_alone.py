"""What one run gives away about itself, with nothing to compare it with.

Bones do not change their length, 3D ought to project onto its own 2D, and smoothing makes late.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool

from benchmarks.detector_noise_numbers import FEWEST, quantiles
from benchmarks.detector_noise_pairs import LIMB_JOINTS, Pair, person_scale
from benchmarks.detector_noise_runs import Run
from core.skeleton import KEYPOINT_NAMES

_BONES = {
    "upper arm": ("shoulder", "elbow"),
    "forearm": ("elbow", "wrist"),
    "thigh": ("hip", "knee"),
    "shank": ("knee", "ankle"),
}
_LATEST_S = 0.15
_QUICK_M_S = 0.5  # slower joints say nothing about lateness
_STEP_S = 0.005
_FASTEST_CLIP_STEP_S = 0.05


def bone_spread(runs: Sequence[tuple[Run, Bool[np.ndarray, "frames"]]]) -> dict[str, Any]:
    """Of each kind of bone of the 3D hint: how its length varies, and left against right.

    Args:
        runs: with the frames that count; each gap starts another person.
    """
    return {name: _one_bone(runs, *ends) for name, ends in _BONES.items()}


def _one_bone(
    runs: Sequence[tuple[Run, Bool[np.ndarray, "frames"]]], upper: str, lower: str
) -> dict[str, float | None]:
    ends = np.array(
        [[KEYPOINT_NAMES.index(f"{side}_{part}") for part in (upper, lower)]
         for side in ("left", "right")]
    )  # fmt: skip
    spreads, uneven = [], []
    for run, counts in runs:
        for frames in unbroken(counts):
            bones = run.hint_m[frames][:, ends[:, 0]] - run.hint_m[frames][:, ends[:, 1]]
            length_m = np.linalg.norm(bones, axis=-1)
            spreads.append(length_m.std(0).mean())
            uneven.append((length_m[:, 0] - length_m[:, 1]) / length_m.mean(1))
    if not spreads:
        return {"spread_cm": None, "left_right_percent": None}
    return {
        "spread_cm": round(float(np.mean(spreads)) * 100, 2),
        "left_right_percent": round(100 * float(np.sqrt((np.concatenate(uneven) ** 2).mean())), 1),
    }


def unbroken(counts: Bool[np.ndarray, "frames"], at_least: int = 15) -> list[np.ndarray]:
    """Frame numbers of each unbroken stretch of some length."""
    frames = np.flatnonzero(counts)
    stretches = np.split(frames, np.flatnonzero(np.diff(frames) > 1) + 1)
    return [stretch for stretch in stretches if len(stretch) >= at_least]


def own_projection(runs: Sequence[tuple[Run, Bool[np.ndarray, "frames"]]]) -> dict[str, Any]:
    """How far limb joints of the 3D hint lie beside their own keypoints, seen straight on.

    Scale and place are fitted to each frame. In centimetres, sideways.
    """
    left = []
    for run, counts in runs:
        flat, seen = (
            points - points.mean(1, keepdims=True)
            for points in (
                run.hint_m[counts][:, LIMB_JOINTS, :2],
                run.keypoints_px[counts][:, LIMB_JOINTS],
            )
        )
        scale = (flat * seen).sum((1, 2)) / (flat**2).sum((1, 2))
        left.append(np.linalg.norm(seen / scale[:, None, None] - flat, axis=-1).ravel())
    return quantiles(np.concatenate(left) if left else np.empty(0), 0.01)


def lateness_ms(smoothed: Run, unsmoothed: Run, pair: Pair) -> Mapping[str, float | None]:
    """By how much tracking trails behind the same network unsmoothed, for fast limb joints.

    The delay for which the delayed unsmoothed keypoints come nearest; None for slow clips.
    """
    if pair.step_s > _FASTEST_CLIP_STEP_S:
        return {"lateness_ms": None, "before_cm": None, "after_cm": None}
    scale = person_scale(smoothed)
    times = smoothed.time_s
    usable = pair.comparable & ~pair.any_swap
    delays_s = np.arange(0, _LATEST_S, _STEP_S)
    losses = np.zeros((len(delays_s), 2))
    for joint in LIMB_JOINTS:
        good = usable & pair.inside[:, joint]
        if good.sum() < FEWEST:
            continue
        for axis in range(2):
            track, raw = (
                (run.keypoints_px[:, joint, axis] / scale)[good] for run in (smoothed, unsmoothed)
            )
            quick = np.abs(np.gradient(track, times[good])) > _QUICK_M_S
            for row, delay in enumerate(delays_s):
                late = np.interp(times[good] - delay, times[good], raw)
                losses[row] += [np.abs(late - track)[quick].sum(), quick.sum()]
    if losses[0, 1] < FEWEST:
        return {"lateness_ms": None, "before_cm": None, "after_cm": None}
    mean = losses[:, 0] / losses[:, 1]
    best = int(mean.argmin())
    return {
        "lateness_ms": round(1000 * float(delays_s[best]), 1),
        "before_cm": round(100 * float(mean[0]), 2),
        "after_cm": round(100 * float(mean[best]), 2),
    }


def whole_body(run: Run, pair: Pair) -> Bool[np.ndarray, "frames"]:
    """Frames with every limb joint in the picture and nothing swapped."""
    return np.isfinite(pair.log_scale) & ~pair.any_swap & np.isfinite(run.hint_m).all((1, 2))
