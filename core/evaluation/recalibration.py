"""Making sigma honest after training: correct it, measure what it promises, check on others.

After the correction (:mod:`core.evaluation.sigma_correction`) what remains is the shape of the
errors' law: radii of stated coverage, in sigmas, measured over all conditions together, because
one sigma has to serve them all.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from core.evaluation.calibration import ASSUMED, within_region
from core.evaluation.sigma_correction import (
    MOVABLE,
    ErrorsUnderDoubt,
    SigmaCorrection,
    fit_correction,
)
from core.regions import NOMINAL, SigmaRegions


def measure_radii(
    seen: ErrorsUnderDoubt, correction: SigmaCorrection, measured_on: str
) -> SigmaRegions:
    """The radii, in corrected sigmas, that hold the stated shares of the errors seen."""
    ratios = (seen.error_m / correction(seen.sigma_m))[:, MOVABLE]
    radii = np.quantile(ratios, NOMINAL)
    return SigmaRegions(tuple(round(float(radius), 4) for radius in radii), measured_on)


def coverage_percent(
    seen: ErrorsUnderDoubt,
    correction: SigmaCorrection | None = None,
    regions: SigmaRegions = ASSUMED,
) -> dict[float, float]:
    """How often the truth lay within each region; by sigma as it is if there is no correction."""
    sigma_m = seen.sigma_m if correction is None else correction(seen.sigma_m)
    error_m, sigma_m = seen.error_m[:, MOVABLE], sigma_m[:, MOVABLE]
    return {
        nominal: 100 * float(within_region(error_m, sigma_m, regions.radius(nominal)).mean())
        for nominal in NOMINAL
    }


@dataclass(frozen=True)
class CrossChecked:
    """Coverage on subjects that the correction and the radii were not fitted to.

    Attributes:
        fitted_on: subjects.
        tested_on: other subjects.
        before: coverage in percent by condition and nominal, of the lifter as it was.
        after: the same with what was fitted on ``fitted_on``.
    """

    fitted_on: tuple[str, ...]
    tested_on: tuple[str, ...]
    before: Mapping[str, Mapping[float, float]]
    after: Mapping[str, Mapping[float, float]]


@dataclass(frozen=True)
class Recalibration:
    """What was fitted on everybody, and how the same does on others.

    Attributes:
        correction: of sigma.
        regions: measured with it.
        checks: the two halves of the subjects, each fitted on the other.
    """

    correction: SigmaCorrection
    regions: SigmaRegions
    checks: tuple[CrossChecked, ...]


Seen = Mapping[str, Mapping[str, ErrorsUnderDoubt]]
"""By condition, then by subject."""

ALL_CONDITIONS = "all"


def recalibrate(
    seen: Seen,
    halves: tuple[tuple[str, ...], tuple[str, ...]],
    measured_on: str,
    promised: SigmaRegions = ASSUMED,
) -> Recalibration:
    """Fit on all subjects; tell coverage from fits on one half, tested on the other.

    Args:
        seen: as many errors of each subject as of every other.
        halves: of the subjects.
        measured_on: what to say about where the radii come from.
        promised: by the lifter as it is.
    """
    everything = _of(seen, (*halves[0], *halves[1]))
    correction = fit_correction(everything)
    return Recalibration(
        correction=correction,
        regions=measure_radii(everything, correction, measured_on),
        checks=tuple(_check(seen, fit, test, promised) for fit, test in (halves, halves[::-1])),
    )


def _check(
    seen: Seen, fitted_on: tuple[str, ...], tested_on: tuple[str, ...], promised: SigmaRegions
) -> CrossChecked:
    known = _of(seen, fitted_on)
    correction = fit_correction(known)
    regions = measure_radii(known, correction, "one half of the subjects")
    return CrossChecked(
        fitted_on=fitted_on,
        tested_on=tested_on,
        before=_by_condition(
            seen, tested_on, lambda errors: coverage_percent(errors, None, promised)
        ),
        after=_by_condition(
            seen, tested_on, lambda errors: coverage_percent(errors, correction, regions)
        ),
    )


def _by_condition(
    seen: Seen,
    subjects: tuple[str, ...],
    coverage: Callable[[ErrorsUnderDoubt], dict[float, float]],
) -> dict[str, dict[float, float]]:
    rows = {
        condition: coverage(ErrorsUnderDoubt.join([of_subject[name] for name in subjects]))
        for condition, of_subject in seen.items()
    }
    return {**rows, ALL_CONDITIONS: coverage(_of(seen, subjects))}


def _of(seen: Seen, subjects: tuple[str, ...]) -> ErrorsUnderDoubt:
    return ErrorsUnderDoubt.join(
        [of_subject[name] for of_subject in seen.values() for name in subjects]
    )
