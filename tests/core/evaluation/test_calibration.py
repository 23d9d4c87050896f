import math

import numpy as np
import pytest

from core.evaluation.calibration import ASSUMED, region_radius, within_region
from core.regions import NOMINAL
from core.training.losses import MEAN_LENGTH


def test_radii_against_tabled_quantiles():
    # Quantiles of Gamma(3, 1) are half those of chi-squared with 6 degrees of freedom:
    # 5.348, 8.558, 10.645, 12.592 in any printed table.
    tabled = [5.348, 8.558, 10.645, 12.592]
    radii = [region_radius(nominal) * 3 / MEAN_LENGTH * 2 for nominal in NOMINAL]
    assert radii == pytest.approx(tabled, abs=1e-3)


@pytest.mark.parametrize("nominal", NOMINAL)
def test_errors_of_the_assumed_law_are_covered_as_promised(nominal):
    sigma_m = np.random.default_rng(0).uniform(0.01, 0.1, 40_000)
    scale = sigma_m * MEAN_LENGTH / 3
    error_m = np.random.default_rng(1).gamma(3.0, scale)
    measured = within_region(error_m, sigma_m, ASSUMED.radius(nominal)).mean()
    assert measured == pytest.approx(nominal, abs=4 * math.sqrt(0.25 / 40_000))


def test_an_overconfident_sigma_shows():
    sigma_m = np.full(20_000, 0.02)
    error_m = np.random.default_rng(1).gamma(3.0, 2 * sigma_m * MEAN_LENGTH / 3)
    assert within_region(error_m, sigma_m, ASSUMED.radius(0.9)).mean() < 0.6


def test_nothing_is_covered_where_a_number_is_nan():
    nan = np.array([np.nan, 0.1]), np.array([0.1, np.nan])
    assert not within_region(*nan, 3.0).any()
