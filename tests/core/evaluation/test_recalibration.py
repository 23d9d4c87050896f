import numpy as np
import pytest

from core.evaluation.recalibration import ALL_CONDITIONS, mean_coverage, recalibrate
from core.evaluation.sigma_correction import ErrorsUnderDoubt
from core.models.circumstances import CIRCUMSTANCES
from core.regions import NOMINAL, SigmaRegions
from tests.core.evaluation.test_sigma_correction import (
    EXACT,
    errors_like,
    nothing_told,
    some_sigmas,
    under_doubt,
)

HALVES = (("01", "09"), ("135", "35"))


def seen_with(factor_of_condition: dict[str, float], poses: int = 900):
    """Subjects who err as their sigma says, times a factor."""
    return {
        condition: {
            subject: under_doubt(errors_like(factor * sigma_m, seed), sigma_m)
            for seed, subject in enumerate(("01", "09", "135", "35"))
            for sigma_m in [some_sigmas(poses, seed + 10)]
        }
        for condition, factor in factor_of_condition.items()
    }


@pytest.mark.parametrize("factor", [0.4, 1.0, 2.5])
def test_coverage_on_others_is_as_promised_whatever_it_was(factor):
    found = recalibrate(seen_with({"clean": factor, "noisy": factor}), HALVES, "made up")
    assert [(check.fitted_on, check.tested_on) for check in found.checks] == [HALVES, HALVES[::-1]]
    for check in found.checks:
        assert list(check.after) == ["clean", "noisy", ALL_CONDITIONS]
        for nominal in NOMINAL:
            assert check.after[ALL_CONDITIONS][nominal] == pytest.approx(100 * nominal, abs=1.5)
    before = found.checks[0].before[ALL_CONDITIONS][0.8]
    assert (before > 95) if factor < 1 else (before < 50) if factor > 1 else (78 < before < 82)


def test_one_sigma_for_two_conditions_is_honest_on_average_and_says_so_of_each():
    """What one number cannot tell apart it cannot be right about; the check must show it."""
    found = recalibrate(seen_with({"clean": 0.7, "noisy": 1.3}), HALVES, "made up")
    for check in found.checks:
        assert check.after[ALL_CONDITIONS][0.8] == pytest.approx(80, abs=1.5)
        assert check.after["clean"][0.8] > 85
        assert check.after["noisy"][0.8] < 75


def test_a_circumstance_tells_two_conditions_apart():
    """The same two, where what is told says which is which."""
    seen = seen_with({"clean": 0.7, "noisy": 1.3})
    for subject, errors in seen["clean"].items():
        told = nothing_told(errors.sigma_m)
        told[..., EXACT] = 1
        seen["clean"][subject] = ErrorsUnderDoubt(errors.error_m, errors.sigma_m, told)
    found = recalibrate(seen, HALVES, "made up")
    after = mean_coverage([check.after for check in found.checks])
    for condition in ("clean", "noisy", ALL_CONDITIONS):
        for nominal in NOMINAL:
            assert after[condition][nominal] == pytest.approx(100 * nominal, abs=1.5)
    factor = np.exp(found.correction.by_circumstance[1:3, CIRCUMSTANCES.index("exact")])
    assert factor == pytest.approx(0.7 / 1.3, rel=0.1)


def test_the_table_says_where_it_comes_from_and_replaces_an_older_one():
    older = SigmaRegions((10.0, 20.0, 30.0, 40.0))
    found = recalibrate(seen_with({"clean": 1.0}), HALVES, "made up", older)
    assert found.regions.measured_on == "made up"
    assert found.checks[0].before["clean"][0.5] > 99
    assert found.regions.radius(0.9) == pytest.approx(2.83, rel=0.03)  # of the Gamma law
    assert np.all(np.diff(found.regions.radii) > 0)
