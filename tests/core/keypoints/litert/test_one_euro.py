"""The filter behind a tracked person."""

import numpy as np
import pytest

from core.keypoints.litert.one_euro import OneEuro


def run(times_s, values, min_cutoff_hz=0.05, beta=80.0, unit=1.0):
    calm = OneEuro(min_cutoff_hz, beta)
    return np.array([calm(t, np.array([v]), unit)[0] for t, v in zip(times_s, values, strict=True)])


def by_its_definition(times_s, values, min_cutoff_hz, beta, unit):
    """Casiez et al., with the speed between unfiltered numbers."""
    filtered, speed = values[0], 0.0
    out = [filtered]
    for place in range(1, len(values)):
        step_s = times_s[place] - times_s[place - 1]

        def alpha(cutoff_hz, step_s=step_s):
            return 1 / (1 + 1 / (2 * np.pi * cutoff_hz) / step_s)

        change = (values[place] - values[place - 1]) / unit / step_s
        speed = alpha(1.0) * change + (1 - alpha(1.0)) * speed
        share = alpha(min_cutoff_hz + beta * abs(speed))
        filtered = share * values[place] + (1 - share) * filtered
        out.append(filtered)
    return np.array(out)


@pytest.mark.parametrize("unit", [1.0, 250.0])
def test_by_its_definition(unit):
    random = np.random.default_rng(3)
    times_s = np.cumsum(random.uniform(0.01, 0.2, 50))
    values = np.cumsum(random.normal(size=50))
    actual = run(times_s, values, 0.3, 5.0, unit)
    np.testing.assert_allclose(actual, by_its_definition(times_s, values, 0.3, 5.0, unit))


def test_what_rests_is_calmed_and_what_runs_passes():
    times_s = np.arange(60) / 30
    trembling = run(times_s, 100 + (-1.0) ** np.arange(60), beta=0.0)
    assert np.abs(np.diff(trembling)).max() < 0.03
    running = run(times_s, 300.0 * times_s)
    assert np.abs(running - 300 * times_s)[30:].max() < 0.5


def test_a_time_that_does_not_come_later_changes_nothing():
    calm = OneEuro(0.05, 80.0)
    calm(1.0, np.array([5.0]))
    assert calm(1.0, np.array([9.0]))[0] == 9.0
    assert calm(1.1, np.array([5.0]))[0] == 5.0
