"""Radii that hold for people whom nobody measured on."""

import numpy as np
import pytest

from core.evaluation.radii import radii_for_strangers
from core.evaluation.recalibration import coverage_percent
from core.evaluation.sigma_correction import ErrorsUnderDoubt, fit_correction
from core.regions import NOMINAL
from tests.core.evaluation.test_sigma_correction import errors_like, some_sigmas, under_doubt


def somebody(factor: float, seed: int) -> ErrorsUnderDoubt:
    """Who errs as sigma says, times a factor of their own."""
    sigma_m = some_sigmas(250, seed)
    return under_doubt(errors_like(factor * sigma_m, seed + 50), sigma_m)


def radii_of(people: list[ErrorsUnderDoubt], *, strangers: bool) -> tuple[float, ...]:
    everybody = ErrorsUnderDoubt.join(people)
    correction = fit_correction(everybody)
    known = people if strangers else [everybody]
    return radii_for_strangers(known, correction, "made up").radii


def test_strangers_are_held_as_often_as_stated():
    people = [somebody(np.exp(0.25 * k), seed) for seed, k in enumerate((-2, -1, 0, 1, 2))]
    covered = []
    for stranger in people:
        known = [each for each in people if each is not stranger]
        correction = fit_correction(ErrorsUnderDoubt.join(known))
        regions = radii_for_strangers(known, correction, "made up")
        covered.append(list(coverage_percent(stranger, correction, regions).values()))
        naive = radii_for_strangers([ErrorsUnderDoubt.join(known)], correction, "made up")
        covered[-1] += coverage_percent(stranger, correction, naive).values()
    after, by_naive = np.split(np.mean(covered, axis=0), 2)
    wanted = 100 * np.array(NOMINAL)
    assert np.abs(after - wanted)[1:].max() < 1.5
    assert (np.abs(after - wanted) < np.abs(by_naive - wanted))[1:].all()
    assert by_naive[3] < 93.5


def test_people_who_are_alike_need_nothing_wider():
    people = [somebody(1.0, seed) for seed in range(3)]
    naive, ours = radii_of(people, strangers=False), radii_of(people, strangers=True)
    assert ours == pytest.approx(naive, rel=0.03)


def test_they_say_where_they_come_from():
    alone = somebody(1.0, 0)
    regions = radii_for_strangers([alone], fit_correction(alone), "made up")
    assert regions.measured_on == "made up"
    assert coverage_percent(alone, fit_correction(alone), regions)[0.9] == pytest.approx(
        90, abs=0.1
    )
