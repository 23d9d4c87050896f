"""By how much the 3D of two runs differs: as a whole, and joint by joint once that is taken out."""

from collections.abc import Sequence

import numpy as np

from benchmarks.detector_noise_numbers import (
    FEWEST,
    Numbers,
    mean_of,
    quantiles,
    rounded,
    spectrum_of,
    steady,
)
from benchmarks.detector_noise_pairs import LIMB_JOINTS, Pair

_AXES = ("tilt", "yaw", "roll")


def summarise_hint(pairs: Sequence[Pair]) -> Numbers:
    """Turn, scale and depth of the whole body, and what is left of each limb joint.

    Per pose and for quantiles, frames with left and right exchanged count; elsewhere they do not.
    """
    left_m = [pair.hint_m[:, LIMB_JOINTS] for pair in pairs]
    per_pose = np.concatenate([np.linalg.norm(values, axis=-1).mean(1) for values in left_m])
    residual = _median_by_axis(pairs, left_m)
    return {
        "pa_mm": {"mean": mean_of(per_pose, 0.001, 2), **quantiles(per_pose, 0.001)},
        "turn_deg": {
            axis: _spread(pairs, [pair.turn_deg[:, n] for pair in pairs], 1.0)
            for n, axis in enumerate(_AXES)
        },
        "scale_percent": _spread(pairs, [pair.log_scale for pair in pairs], 0.01),
        "depth_gain_percent": _spread(pairs, [pair.log_depth for pair in pairs], 0.01),
        "apart_median_cm": [
            rounded(value * 100)
            for value in _median_by_axis(pairs, [pair.apart_m[:, LIMB_JOINTS] for pair in pairs])
        ],
        "residual_median_cm": [rounded(value * 100) for value in residual],
        "depth_over_sideways": rounded(2 * residual[2] / (residual[0] + residual[1])),
        "shared_with_2d": [_correlation_with_2d(pairs, axis) for axis in range(2)],
    }


def _spread(pairs: Sequence[Pair], series: Sequence[np.ndarray], unit: float) -> Numbers:
    return {
        **quantiles(np.abs(np.concatenate(series)), unit),
        "spectrum": spectrum_of(pairs, series, unit),
    }


def _median_by_axis(pairs: Sequence[Pair], series: Sequence[np.ndarray]) -> np.ndarray:
    parts = [steady(pair, values) for pair, values in zip(pairs, series, strict=True)]
    size = np.abs(np.concatenate(parts)).reshape(-1, 3)
    known = size[np.isfinite(size).all(1)]
    return np.median(known, 0) if len(known) >= FEWEST else np.full(3, np.nan)


def _correlation_with_2d(pairs: Sequence[Pair], axis: int) -> float | None:
    """Of the 3D difference with the 2D difference of the same joint, across (0) or down (1)."""
    flat, solid = (
        np.concatenate([steady(p, values)[:, LIMB_JOINTS, axis].ravel() for p, values in both])
        for both in (
            [(pair, pair.keypoints_m) for pair in pairs],
            [(pair, pair.hint_m) for pair in pairs],
        )
    )
    known = np.isfinite(flat) & np.isfinite(solid)
    if known.sum() < FEWEST:
        return None
    return rounded(float(np.corrcoef(flat[known], solid[known])[0, 1]))
