"""Making sigma honest after training: correct it, measure what it promises, check on others.

After the correction (:mod:`core.evaluation.sigma_correction`) what remains is the shape of the
errors' law: radii of stated coverage, in sigmas, measured over all conditions together, because
one sigma has to serve them all (:mod:`core.evaluation.radii`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.evaluation.calibration import ASSUMED, within_region
from core.evaluation.radii import radii_for_strangers
from core.evaluation.sigma_correction import (
    MOVABLE,
    ErrorsUnderDoubt,
    SigmaCorrection,
    fit_correction,
)
from core.regions import NOMINAL, SigmaRegions

Coverage = Mapping[str, Mapping[float, float]]
"""In percent, by condition and nominal."""


def coverage_percent(
    seen: ErrorsUnderDoubt,
    correction: SigmaCorrection | None = None,
    regions: SigmaRegions = ASSUMED,
) -> dict[float, float]:
    """How often the truth lay within each region; by sigma as it is if there is no correction."""
    sigma_m = seen.sigma_m
    if correction is not None:
        sigma_m = correction(sigma_m, seen.circumstances)
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
        before: of the lifter as it was.
        after: the same with what was fitted on ``fitted_on``.
    """

    fitted_on: tuple[str, ...]
    tested_on: tuple[str, ...]
    before: Coverage
    after: Coverage


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


def mean_coverage(coverages: Sequence[Coverage]) -> Coverage:
    """Of several checks: what differs between people, and not between methods, averages out."""
    return {
        condition: {
            nominal: float(np.mean([coverage[condition][nominal] for coverage in coverages]))
            for nominal in row
        }
        for condition, row in coverages[0].items()
    }


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
    correction, regions = _fit(seen, (*halves[0], *halves[1]), measured_on)
    return Recalibration(
        correction=correction,
        regions=regions,
        checks=tuple(_check(seen, fit, test, promised) for fit, test in (halves, halves[::-1])),
    )


def _fit(
    seen: Seen, subjects: tuple[str, ...], measured_on: str
) -> tuple[SigmaCorrection, SigmaRegions]:
    of_subjects = [_of(seen, (name,)) for name in subjects]
    correction = fit_correction(ErrorsUnderDoubt.join(of_subjects))
    return correction, radii_for_strangers(of_subjects, correction, measured_on)


def _check(
    seen: Seen, fitted_on: tuple[str, ...], tested_on: tuple[str, ...], promised: SigmaRegions
) -> CrossChecked:
    correction, regions = _fit(seen, fitted_on, "one half of the subjects")
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
