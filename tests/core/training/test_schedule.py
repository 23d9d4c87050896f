import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.training.schedule import Patience, Schedule, rate_share


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(1.0, 100.0), max_size=40),
    st.integers(0, 4),
    st.sampled_from([0.1, 0.5, 0.9]),
)
def test_the_plateau_falls_when_torchs_does(errors, patience, factor):
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimiser, factor=factor, patience=patience, eps=0
    )
    ours = Patience()
    for error in errors:
        theirs.step(error)
        ours = ours.observed(error, factor=factor, patience=patience)
        assert ours.factor == pytest.approx(optimiser.param_groups[0]["lr"])


def test_patience_ends_after_so_many_evaluations_without_gain():
    patience = Patience()
    seen = []
    for error in (50.0, 40.0, 40.0, 39.999, 41.0, 30.0):
        patience = patience.observed(error, factor=0.5, patience=1)
        seen.append((patience.since_best, patience.is_spent(3)))
    # 39.999 is better by less than a ten-thousandth; the rate's own count begins anew at a fall.
    assert seen == [(0, False), (0, False), (1, False), (2, False), (3, True), (0, False)]
    assert patience.factor == 0.5
    assert not patience.is_spent(None)


def test_a_held_out_error_that_is_no_number_is_no_gain():
    patience = Patience(best_mm=50.0).observed(math.nan, factor=0.5, patience=5)
    assert (patience.best_mm, patience.since_best) == (50.0, 1)


@pytest.mark.parametrize(("share", "rate"), [(0.0, 1.0), (0.5, 0.505), (1.0, 0.01), (1.3, 0.01)])
def test_the_cosine_falls_to_a_hundredth(share, rate):
    assert rate_share(Schedule.COSINE, 1000, 10, share, Patience()) == pytest.approx(rate)


def test_the_plateau_holds_its_rate_and_both_warm_up():
    fallen = Patience(factor=0.25)
    assert rate_share(Schedule.PLATEAU, 1000, 10, 0.99, fallen) == 0.25
    assert rate_share(Schedule.PLATEAU, 4, 10, 0.0, fallen) == pytest.approx(0.125)
    assert rate_share(Schedule.COSINE, 4, 10, 0.0, Patience()) == pytest.approx(0.5)
    assert rate_share(Schedule.COSINE, 0, 0, 0.0, Patience()) == pytest.approx(1.0)
