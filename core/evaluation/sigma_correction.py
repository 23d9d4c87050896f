"""A small monotone correction of sigma, fitted to errors and folded into the lifter.

Per joint (left and right together) sigma becomes ``exp(offset) * sigma ** gain``: two numbers that
are fitted to the errors on people whom the lifter never saw. The correction is folded into the
lifter's last layer, which predicts log sigma, so that nothing that lifts, exports or trains need
know of it.
"""

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float64

from core.errors import DatasetInvalid
from core.evaluation.metrics import joint_errors
from core.evaluation.stretches import ClipPoses
from core.models import Lifter
from core.skeleton import BODY
from core.training.losses import MEAN_LENGTH

_EVERY = 3
"""Neighbouring frames err alike: every third says as much as all."""
_PRIOR = 1e-3
"""Pull towards leaving the gain as it is; matters only for a joint that hardly varies."""
_GAIN_RANGE = (0.25, 3.0)
_LEAST_M = 1e-4
MOVABLE = [joint for joint in range(len(BODY)) if joint != BODY.root]
"""Joints that can be wrong: the root is the origin."""


@dataclass(frozen=True, eq=False)
class ErrorsUnderDoubt:
    """Errors with the sigmas that foretold them, metres, every number finite."""

    error_m: Float64[np.ndarray, "poses 28"]
    sigma_m: Float64[np.ndarray, "poses 28"]

    @classmethod
    def of(cls, stretches: Iterable[ClipPoses]) -> "ErrorsUnderDoubt":
        """Of stretches with all 28 joints; poses that are not whole are left out.

        Raises:
            DatasetInvalid: nothing was predicted at all.
        """
        errors, sigmas = [np.empty((0, len(BODY)))], [np.empty((0, len(BODY)))]
        for stretch in stretches:
            if stretch.sigma_m is None:
                continue
            error_m = joint_errors(stretch.predicted_m, stretch.truth_m)[::_EVERY]
            sigma_m = stretch.sigma_m[::_EVERY]
            whole = np.isfinite(error_m).all(-1) & np.isfinite(sigma_m).all(-1)
            errors.append(error_m[whole].astype(np.float64))
            sigmas.append(sigma_m[whole].astype(np.float64))
        if sum(map(len, errors)) == 0:
            raise DatasetInvalid("The lifter predicted no pose on which sigma could be measured.")
        return cls(np.concatenate(errors), np.concatenate(sigmas))

    @classmethod
    def join(cls, parts: Sequence["ErrorsUnderDoubt"]) -> "ErrorsUnderDoubt":
        return cls(
            np.concatenate([part.error_m for part in parts]),
            np.concatenate([part.sigma_m for part in parts]),
        )


@dataclass(frozen=True, eq=False)
class SigmaCorrection:
    """``sigma -> exp(offset) * sigma ** gain`` for each joint; rising, since gains are positive."""

    gain: Float64[np.ndarray, "28"]
    offset: Float64[np.ndarray, "28"]

    def __call__(self, sigma_m: Float[np.ndarray, "*batch 28"]) -> Float64[np.ndarray, "*batch 28"]:
        return np.exp(self.offset + self.gain * np.log(sigma_m.astype(np.float64)))


def fit_correction(seen: ErrorsUnderDoubt) -> SigmaCorrection:
    """The correction under which the mean error is :data:`MEAN_LENGTH` sigmas wherever one looks.

    A regression of the error on log sigma with a log link and Gamma deviance, for each joint
    together with its mirror image. The root has no error and keeps its sigma.

    Source: McCullagh and Nelder, "Generalized Linear Models", 1989, chapter 8.
    """
    gain, offset = np.ones(len(BODY)), np.zeros(len(BODY))
    for joint in MOVABLE:
        pair = sorted({joint, int(BODY.mirror[joint])})
        ratio = seen.error_m[:, pair].ravel() / MEAN_LENGTH
        gain[joint], offset[joint] = _fit_line(np.log(seen.sigma_m[:, pair].ravel()), ratio)
    return SigmaCorrection(gain, offset)


def _fit_line(
    log_sigma: Float64[np.ndarray, "values"], wanted_m: Float64[np.ndarray, "values"]
) -> tuple[float, float]:
    """Gain and offset so that ``wanted`` has the mean ``exp(offset + gain * log sigma)``.

    Newton's method on a convex function: mean of ``w exp(-x) + x`` over ``x = a + g log sigma``.
    """
    middle = log_sigma.mean()
    design = np.stack([np.ones_like(log_sigma), log_sigma - middle], axis=1)
    start = np.log(max(wanted_m.mean(), _LEAST_M))
    line, prior = np.array([start, 1.0]), np.array([0.0, _PRIOR])
    for _ in range(30):
        ratio = wanted_m * np.exp(-design @ line)
        slope = design.T @ (1 - ratio) / len(ratio) + prior * (line - [0.0, 1.0])
        curvature = (design * ratio[:, None]).T @ design / len(ratio) + np.diag(prior + 1e-9)
        step = np.linalg.solve(curvature, slope)
        line = line - step / max(1.0, np.abs(step).max())
        if np.abs(step).max() < 1e-8:
            break
    gain = float(np.clip(line[1], *_GAIN_RANGE))
    return gain, float(line[0] - gain * middle)


def folded(model: Lifter, correction: SigmaCorrection) -> Lifter:
    """The same lifter, saying corrected sigmas; joints stay equal to the bit."""
    corrected = copy.deepcopy(model)
    gain, offset = (
        torch.from_numpy(values).to(corrected.head_weight)
        for values in (correction.gain, correction.offset)
    )
    with torch.no_grad():  # the last of the head's four outputs is log sigma
        corrected.head_weight[..., 3] *= gain[:, None]
        corrected.head_bias[..., 3] = corrected.head_bias[..., 3] * gain[:, None] + offset[:, None]
        if corrected.from_steadiness is not None:
            corrected.from_steadiness.scale_doubt(gain)
    return corrected
