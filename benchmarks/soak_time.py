"""How the soak's time is shared out among its promises."""

from collections.abc import Sequence

from benchmarks.soak_promise import Promise

ENDING_S = 90.0
"""A promise whose time is over may take so much longer to see its last trial end."""


def share_s(still_to_hold: Sequence[Promise], left_s: float) -> float:
    """Of the time left, what the first of these gets.

    It is shared anew before each promise: what one did not need goes to the others, and what it
    took too much, they lack.
    """
    weights = [promise.weight for promise in still_to_hold]
    return max(0.0, left_s) * weights[0] / sum(weights)
