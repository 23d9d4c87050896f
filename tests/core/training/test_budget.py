import pytest

from core.training.budget import Budget, Cadence


def test_a_budget_of_steps_does_not_know_the_clock():
    budget = Budget(steps=200)
    assert budget.share_done(50, 1e9) == 0.25
    assert budget.eta_s(50, 1e9, steps_per_s=3.0) == pytest.approx(50)
    assert budget.eta_s(201, 0, steps_per_s=3.0) == 0


def test_a_budget_of_time_does_not_know_the_step():
    budget = Budget(seconds=60)
    assert budget.share_done(7, 45.0) == 0.75
    assert budget.eta_s(7, 45.0, steps_per_s=100.0) == 15


def test_steps_are_due_by_their_number_and_seconds_since_the_last_time():
    by_steps = Cadence(every_steps=3, every_s=0.0, last_s=0.0)
    assert [step for step in range(1, 10) if by_steps.is_due(step, 1e9)] == [3, 6, 9]
    by_time = Cadence(every_steps=None, every_s=10.0, last_s=100.0)
    assert [s for s in range(100, 140, 4) if by_time.is_due(1, float(s))] == [112, 124, 136]
