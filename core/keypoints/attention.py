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

# Body sizes, 10 cm for an adult. Two trackers on one body mostly differ by a tenth of that; with
# more than this between them, one has slipped to another body or lies on its side.
_SAME = 0.2
# Now and then a tracker throws a limb or a whole body far off, and is back in the next frame: in
# one of thirty frames two that follow the same man differ by more than the above. Beyond this it
# is not the same place any more.
_SAME_PLACE = 0.7


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


def continues(earlier: Sequence[Attention], later: Sequence[Attention]) -> bool:
    """Whether ``later`` may go on in place of ``earlier``.

    It may if both follow the same people in most of the frames, and in the newest at least in the
    same place.

    Args:
        earlier: whom one follows in the last frames it has seen, the newest last.
        later: whom the other follows; its newest frame is the same one. There may be fewer.
    """
    both = list(zip(reversed(earlier), reversed(later), strict=False))
    newest, beside = both[0]
    if not newest.is_settled or not _are_same(newest, beside, _SAME_PLACE):
        return False
    return 2 * sum(_are_same(one, other, _SAME) for one, other in both) > len(both)


def _are_same(one: Attention, other: Attention, within: float) -> bool:
    count = len(one.followed)
    if count != len(other.followed):
        return False
    apart = [[_distance(this, that) for that in other.followed] for this in one.followed]
    cost = np.array(apart, np.float64).reshape(count, count)
    return len(cheapest_pairs(cost, within)) == count


def _distance(one: Sighting, other: Sighting) -> float:
    apart = compare(one, other)
    return np.inf if apart is None else apart.distance
