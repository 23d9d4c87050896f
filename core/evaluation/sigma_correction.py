"""A small monotone correction of sigma, fitted to errors and built into the lifter.

Per joint (left and right together) sigma becomes ``exp(offset + told @ by_circumstance) * sigma **
gain``, where ``told`` is what could be seen of the joint (:mod:`core.models.circumstances`). Two
numbers are folded into the lifter's last layer, which predicts log sigma; the others are the
lifter's own for what it is told. Nothing that lifts, exports or trains need know of it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float64

from core.errors import DatasetInvalid
from core.evaluation.metrics import joint_errors
from core.evaluation.stretches import ClipPoses
from core.models import Lifter
from core.models.circumstances import CIRCUMSTANCES
from core.skeleton import BODY
from core.training.losses import MEAN_LENGTH

_EVERY = 3
"""Neighbouring frames err alike: every third says as much as all."""
_PRIOR = 1e-3
"""Pull towards leaving sigma as it is; matters only where sigma, or what is told, hardly varies."""
_GAIN_RANGE = (0.25, 3.0)
_LEAST_M = 1e-4
MOVABLE = [joint for joint in range(len(BODY)) if joint != BODY.root]
"""Joints that can be wrong: the root is the origin."""


@dataclass(frozen=True, eq=False)
class ErrorsUnderDoubt:
    """Errors with the sigmas that foretold them, metres, and what could be seen; all finite."""

    error_m: Float64[np.ndarray, "poses 28"]
    sigma_m: Float64[np.ndarray, "poses 28"]
    circumstances: Float[np.ndarray, "poses 28 told"]

    @classmethod
    def of(cls, stretches: Iterable[ClipPoses]) -> "ErrorsUnderDoubt":
        """Of stretches with all 28 joints; poses that are not whole are left out.

        Raises:
            DatasetInvalid: nothing was predicted at all.
        """
        parts = [cls._of_stretch(stretch) for stretch in stretches]
        parts = [part for part in parts if part is not None and len(part.error_m)]
        if not parts:
            raise DatasetInvalid("The lifter predicted no pose on which sigma could be measured.")
        return cls.join(parts)

    @classmethod
    def _of_stretch(cls, stretch: ClipPoses) -> "ErrorsUnderDoubt | None":
        if stretch.sigma_m is None or stretch.circumstances is None:
            return None
        error_m = joint_errors(stretch.predicted_m, stretch.truth_m)[::_EVERY]
        sigma_m, told = stretch.sigma_m[::_EVERY], stretch.circumstances[::_EVERY]
        whole = np.isfinite(error_m + sigma_m + told.sum(-1)).all(-1)
        return cls(error_m[whole].astype(float), sigma_m[whole].astype(float), told[whole])

    @classmethod
    def join(cls, parts: Sequence["ErrorsUnderDoubt"]) -> "ErrorsUnderDoubt":
        return cls(
            np.concatenate([part.error_m for part in parts]),
            np.concatenate([part.sigma_m for part in parts]),
            np.concatenate([part.circumstances for part in parts]),
        )


@dataclass(frozen=True, eq=False)
class SigmaCorrection:
    """Rising in sigma for each joint, since gains are positive.

    Attributes:
        gain: power of sigma.
        offset: logarithm of a factor.
        by_circumstance: added to the offset for each of ``CIRCUMSTANCES``, times what is told.
    """

    gain: Float64[np.ndarray, "28"]
    offset: Float64[np.ndarray, "28"]
    by_circumstance: Float64[np.ndarray, "28 told"]

    def __call__(
        self,
        sigma_m: Float[np.ndarray, "*batch 28"],
        circumstances: Float[np.ndarray, "*batch 28 told"],
    ) -> Float64[np.ndarray, "*batch 28"]:
        more = (circumstances * self.by_circumstance).sum(-1)
        return np.exp(self.offset + more + self.gain * np.log(sigma_m.astype(np.float64)))


def fit_correction(seen: ErrorsUnderDoubt) -> SigmaCorrection:
    """The correction under which the mean error is :data:`MEAN_LENGTH` sigmas wherever one looks.

    A regression of the error on log sigma and circumstances with a log link and Gamma deviance, for
    each joint together with its mirror image. The root has no error and keeps its sigma.

    Source: McCullagh and Nelder, "Generalized Linear Models", 1989, chapter 8.
    """
    gain, offset = np.ones(len(BODY)), np.zeros(len(BODY))
    by_circumstance = np.zeros((len(BODY), len(CIRCUMSTANCES)))
    for joint in MOVABLE:
        mirrored = int(BODY.mirror[joint])
        if mirrored < joint:
            fitted = _Line(gain[mirrored], offset[mirrored], by_circumstance[mirrored])
        else:
            pair = sorted({joint, mirrored})
            fitted = _fit_line(
                np.log(seen.sigma_m[:, pair].ravel()),
                seen.circumstances[:, pair].reshape(-1, len(CIRCUMSTANCES)),
                seen.error_m[:, pair].ravel() / MEAN_LENGTH,
            )
        gain[joint], offset[joint], by_circumstance[joint] = fitted
    return SigmaCorrection(gain, offset, by_circumstance)


class _Line(NamedTuple):
    """``offset + gain * log sigma + told @ by_circumstance``, or one number for each of these."""

    gain: float
    offset: float
    by_circumstance: Float64[np.ndarray, "told"]

    def flat(self) -> Float64[np.ndarray, "unknowns"]:
        return np.concatenate([[self.gain, self.offset], self.by_circumstance])

    @classmethod
    def of(cls, flat: Float64[np.ndarray, "unknowns"]) -> "_Line":
        return cls(float(flat[0]), float(flat[1]), flat[2:])


def _fit_line(
    log_sigma: Float64[np.ndarray, "values"],
    told: Float[np.ndarray, "values told"],
    wanted_m: Float64[np.ndarray, "values"],
) -> _Line:
    """The line so that ``wanted`` has the mean ``exp(line)``.

    Newton's method on a convex function: mean of ``w exp(-x) + x`` over the line's values x.
    """
    middle = log_sigma.mean()
    design = np.column_stack([log_sigma - middle, np.ones_like(log_sigma), told])
    nothing = np.zeros(told.shape[1])
    usual = _Line(1.0, np.log(max(wanted_m.mean(), _LEAST_M)), nothing).flat()
    prior = _Line(_PRIOR, 0.0, nothing + _PRIOR).flat()
    line = usual
    for _ in range(30):
        ratio = wanted_m * np.exp(-design @ line)
        slope = design.T @ (1 - ratio) / len(ratio) + prior * (line - usual)
        curvature = (design * ratio[:, None]).T @ design / len(ratio) + np.diag(prior + 1e-9)
        step = np.linalg.solve(curvature, slope)
        line = line - step / max(1.0, np.abs(step).max())
        if np.abs(step).max() < 1e-8:
            break
    found = _Line.of(line)
    gain = float(np.clip(found.gain, *_GAIN_RANGE))
    return found._replace(gain=gain, offset=found.offset - gain * middle)


def heeding_circumstances(model: Lifter) -> Lifter:
    """A copy that also goes by circumstances, and says the same until coefficients are fitted."""
    heeding = Lifter(replace(model.config, circumstances=True)).to(model.head_weight)
    heeding.load_state_dict({**heeding.state_dict(), **model.state_dict()})
    heeding.requires_grad_(model.head_weight.requires_grad)
    return heeding.train(model.training)


def folded(model: Lifter, correction: SigmaCorrection) -> Lifter:
    """The same lifter, saying corrected sigmas; joints stay equal to the bit."""
    corrected = heeding_circumstances(model)
    gain, offset, added = (
        torch.from_numpy(values).to(corrected.head_weight)
        for values in (correction.gain, correction.offset, correction.by_circumstance)
    )
    with torch.no_grad():  # the last of the head's four outputs is log sigma
        corrected.head_weight[..., 3] *= gain[:, None]
        corrected.head_bias[..., 3] = corrected.head_bias[..., 3] * gain[:, None] + offset[:, None]
    if corrected.from_steadiness is not None:
        corrected.from_steadiness.scale_doubt(gain)
    if corrected.from_circumstances is not None:
        corrected.from_circumstances.correct(gain, added)
    return corrected
