"""Whom an estimator follows at a moment, and whether another one would go on with the same people.

A video is searched in pieces, each by an estimator of its own that begins a few frames early. What
it finds counts only if it follows the very people whom the one before it follows there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from core.keypoints.protocol import KeypointEstimator
from core.tracking.assignment import cheapest_pairs
from core.tracking.sightings import Sighting, compare

# Body sizes, 10 cm for an adult. Two trackers on one body differ by a tenth of that; with more
# than this between them, one has slipped to another body or lies on its side.
_SAME = 0.2


@dataclass(frozen=True)
class Attention:
    """Whom an estimator follows in the frame it saw last.

    Attributes:
        followed: where they are.
        is_settled: nobody is hidden and awaited, and nobody new could take over from them.
    """

    followed: Sequence[Sighting]
    is_settled: bool


@runtime_checkable
class StartsAnywhere(KeypointEstimator, Protocol):
    """An estimator that may begin in the middle of a video."""

    def attention(self) -> Attention:
        """Whom it follows now."""
        ...

    def settle(self) -> None:
        """Stop wondering whether somebody else matters more than those it follows."""
        ...


def continues(earlier: Attention, later: Attention) -> bool:
    """Whether ``later`` may go on in place of ``earlier``; both have just seen the same frame."""
    count = len(earlier.followed)
    if not earlier.is_settled or count != len(later.followed):
        return False
    apart = [[_distance(one, other) for other in later.followed] for one in earlier.followed]
    cost = np.array(apart, np.float64).reshape(count, count)
    return len(cheapest_pairs(cost, _SAME)) == count


def _distance(one: Sighting, other: Sighting) -> float:
    apart = compare(one, other)
    return np.inf if apart is None else apart.distance
