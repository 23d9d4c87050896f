"""Better crops for a second look: where people were seen to be, calmed over three frames."""

from collections.abc import Sequence

from core.keypoints.blazepose.crops import OnePerson
from core.keypoints.blazepose.roster import Followed

_NOW, _BESIDE = 0.5, 0.25  # shares of a frame and of each of its neighbours


def smoothed(seen: Sequence[Followed], before: Followed) -> list[Followed]:
    """The mean of each frame and its neighbours; of those of them who hold the person.

    Args:
        seen: frame by frame, contiguous.
        before: the frame before these; empty if there is none.
    """
    earlier, later = [before, *seen[:-1]], [*seen[1:], {}]
    return [
        {
            number: _mean(one, [n[number] for n in neighbours if number in n])
            for number, one in now.items()
        }
        for now, *neighbours in zip(seen, earlier, later, strict=True)
    ]


def _mean(one: OnePerson, others: Sequence[OnePerson]) -> OnePerson:
    total = _NOW * one + _BESIDE * sum(others)
    return total / (_NOW + _BESIDE * len(others))
