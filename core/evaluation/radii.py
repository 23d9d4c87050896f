"""Radii of stated coverage, in sigmas, that hold for people whom nobody measured on."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64

from core.evaluation.sigma_correction import (
    MOVABLE,
    ErrorsUnderDoubt,
    SigmaCorrection,
    fit_correction,
)
from core.regions import NOMINAL, SigmaRegions


def radii_for_strangers(
    of_subjects: Sequence[ErrorsUnderDoubt], correction: SigmaCorrection, measured_on: str
) -> SigmaRegions:
    """The radii, in corrected sigmas, that should hold the stated shares of a stranger's errors.

    On the people that it was fitted to, a correction looks better than it is; on somebody who was
    left out, worse, since one less was there to learn from. If people differ by a factor of their
    own whose logarithm has the variance v, errors of n people about what was fitted to them vary by
    ``v (1 - 1/n)`` more than within a person, those of one left out by ``v n / (n - 1)`` and a
    stranger's by ``v (1 + 1/n)``. So a stranger is the share ``2 (n - 1) / (2 n - 1)`` of the way
    from the first to the second, and so are the radii. Of one subject alone the first is all there
    is.

    Args:
        of_subjects: as many errors of each subject as of every other.
        correction: fitted to all of them.
        measured_on: what to say about where the radii come from.
    """
    subjects = len(of_subjects)
    everybody = ErrorsUnderDoubt.join(of_subjects)
    radii = np.quantile(_ratios(everybody, correction), NOMINAL)
    if subjects > 1:
        left_out = np.concatenate(
            [_ratios(errors, _without(of_subjects, errors)) for errors in of_subjects]
        )
        share = 2 * (subjects - 1) / (2 * subjects - 1)
        radii += share * (np.quantile(left_out, NOMINAL) - radii)
    return SigmaRegions(tuple(round(float(radius), 4) for radius in radii), measured_on)


def _without(
    of_subjects: Sequence[ErrorsUnderDoubt], left_out: ErrorsUnderDoubt
) -> SigmaCorrection:
    others = [errors for errors in of_subjects if errors is not left_out]
    return fit_correction(ErrorsUnderDoubt.join(others))


def _ratios(
    seen: ErrorsUnderDoubt, correction: SigmaCorrection
) -> Float64[np.ndarray, "poses movable"]:
    return (seen.error_m / correction(seen.sigma_m, seen.circumstances))[:, MOVABLE]
