import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from core.tracking.assignment import cheapest_pairs


def total(cost: np.ndarray, pairs: list[tuple[int, int]], alone: float) -> float:
    return sum(cost[pair] for pair in pairs) + alone * (len(cost) - len(pairs))


def best_by_trying_all(cost: np.ndarray, alone: float) -> float:
    rows, columns = cost.shape
    choices = itertools.product(range(-1, columns), repeat=rows)
    return min(
        sum(alone if c < 0 else cost[r, c] for r, c in enumerate(choice))
        for choice in choices
        if len({c for c in choice if c >= 0}) == sum(c >= 0 for c in choice)
    )


@given(rows=st.integers(1, 4), columns=st.integers(1, 4), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_it_finds_what_trying_everything_finds(rows: int, columns: int, seed: int):
    random = np.random.default_rng(seed)
    cost = random.random((rows, columns)) * 2
    cost[random.random((rows, columns)) < 0.3] = np.inf
    pairs = cheapest_pairs(cost, 1.0)
    assert len({r for r, _ in pairs}) == len({c for _, c in pairs}) == len(pairs)
    assert all(cost[pair] <= 1.0 for pair in pairs)
    np.testing.assert_allclose(total(cost, pairs, 1.0), best_by_trying_all(cost, 1.0))


def test_a_clear_case():
    cost = np.array([[0.1, 0.5, np.inf], [0.2, 0.9, np.inf]])
    assert cheapest_pairs(cost, 1.0) == [(0, 1), (1, 0)]
    assert cheapest_pairs(cost, 0.3) == [(0, 0)]
