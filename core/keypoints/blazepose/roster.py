"""Who is followed from key frame to key frame, and where.

Only here to give each person a crop of their own; who is who in the result is decided later, in
:mod:`core.tracking`, from the finished keypoints.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from core.keypoints.blazepose.crops import Alignment, OnePerson, radius_px
from core.tracking.assignment import cheapest_pairs

# Distances in radii of the circle around the body (about a metre), plus the size ratio's logarithm.
_GATE = 0.5  # how far off somebody may be found, detector noise included
_GATE_PER_S = 2.0  # and more for every second since they were seen
_GATE_GROWS_FOR_S = 0.5
_TAKEN = 0.5  # nearer than this to somebody we follow is nobody new
_PATIENCE_S = 1.0  # how long we look closer where somebody was lost
_SETTLED_S = 2.0  # within this somebody more prominent may take over
_TAKE_OVER_FACTOR = 1.2
_EDGE_WEIGHT = 0.5  # somebody at the picture's edge matters half as much as in its centre

Followed = Mapping[int, OnePerson]
"""Where everybody is, by number; somebody keeps their number while they are followed."""
FindAgain = Callable[[Alignment], list[OnePerson | None]]
"""Looks closer around where people were; in the same order, None where nobody is."""


@dataclass(frozen=True)
class _Person:
    alignment: OnePerson
    seen_s: float
    since_s: float
    prominence: float


class Roster:
    """Follows the most prominent people.

    Args:
        places: how many at once.
    """

    def __init__(self, places: int) -> None:
        self._places = places
        self._people: dict[int, _Person] = {}
        self._newest = -1
        self._last_s = float("-inf")

    @property
    def is_empty(self) -> bool:
        """Whether nobody is followed or expected back."""
        return not self._people

    def update(
        self,
        time_s: float,
        seen: Alignment,
        picture_px: tuple[int, int],
        find_again: FindAgain,
    ) -> Followed:
        """Go on to the next key frame.

        Args:
            time_s: of the key frame.
            seen: who was seen in the whole picture.
            picture_px: width and height.
            find_again: asked about those who were overlooked there.

        Returns:
            Those who are in this key frame, by number.
        """
        self._people = {
            number: person
            for number, person in self._people.items()
            if time_s - person.seen_s <= _PATIENCE_S or person.seen_s == self._last_s
        }
        fresh = self._recognise(time_s, seen)
        lost = [number for number in self._people if self._people[number].seen_s != time_s]
        if lost:
            closer = find_again(np.stack([self._people[number].alignment for number in lost]))
            for number, found in zip(lost, closer, strict=True):
                if found is not None and self._is_plausible(number, found, time_s):
                    self._see(number, found, time_s)
        self._drop_doubles(time_s)
        self._welcome(fresh, time_s, picture_px)
        self._last_s = time_s
        return {n: p.alignment for n, p in self._people.items() if p.seen_s == time_s}

    def _recognise(self, time_s: float, seen: Alignment) -> Alignment:
        """Update those who were seen again; returns the others who were seen."""
        numbers = list(self._people)
        if not numbers or not len(seen):
            return seen
        cost = np.array(
            [
                [_apart(self._people[n].alignment, one) / self._gate(n, time_s) for n in numbers]
                for one in seen
            ]
        )
        pairs = cheapest_pairs(np.where(cost < 1, cost, np.inf), 1.0)
        for row, column in pairs:
            self._see(numbers[column], seen[row], time_s)
        return np.delete(seen, [row for row, _ in pairs], axis=0)

    def _gate(self, number: int, time_s: float) -> float:
        unseen_s = time_s - self._people[number].seen_s
        return _GATE + _GATE_PER_S * min(unseen_s, _GATE_GROWS_FOR_S)

    def _is_plausible(self, number: int, found: OnePerson, time_s: float) -> bool:
        return _apart(self._people[number].alignment, found) < self._gate(number, time_s)

    def _see(self, number: int, alignment: OnePerson, time_s: float) -> None:
        person = self._people[number]
        self._people[number] = replace(person, alignment=alignment, seen_s=time_s)

    def _drop_doubles(self, time_s: float) -> None:
        """Of two who ended up on the same person, keep the one followed for longer."""
        kept: list[OnePerson] = []
        for number in sorted(self._people):
            person = self._people[number]
            if person.seen_s != time_s:
                continue
            if any(_apart(person.alignment, other) < _TAKEN / 2 for other in kept):
                del self._people[number]
            else:
                kept.append(person.alignment)

    def _welcome(self, fresh: Alignment, time_s: float, picture_px: tuple[int, int]) -> None:
        """Give places to newcomers, the most prominent first."""
        present = [p.alignment for p in self._people.values() if p.seen_s == time_s]
        new = [one for one in fresh if not any(_apart(one, other) < _TAKEN for other in present)]
        ranked = [(_prominence(one, picture_px), one) for one in new]
        for prominence, one in sorted(ranked, key=lambda pair: -pair[0]):
            if len(self._people) == self._places and not self._make_room(prominence, time_s):
                return
            self._newest += 1
            self._people[self._newest] = _Person(one, time_s, time_s, prominence)

    def _make_room(self, prominence: float, time_s: float) -> bool:
        """Let go of somebody lost, or of somebody recent and less prominent than a newcomer."""
        lost = [n for n, p in self._people.items() if p.seen_s != time_s]
        outdone = [
            n
            for n, p in self._people.items()
            if time_s - p.since_s < _SETTLED_S and p.prominence * _TAKE_OVER_FACTOR < prominence
        ]
        leaving = min(lost or outdone, key=lambda n: self._people[n].prominence, default=None)
        if leaving is not None:
            del self._people[leaving]
        return leaving is not None


def _apart(one: OnePerson, other: OnePerson) -> float:
    radius, other_radius = radius_px(np.stack([one, other]))
    shift_px = np.linalg.norm(one - other, axis=1).mean()
    return float(shift_px / np.sqrt(radius * other_radius) + abs(np.log(radius / other_radius)))


def _prominence(one: OnePerson, picture_px: tuple[int, int]) -> float:
    offset = np.abs(one[0] / np.array(picture_px) - 0.5) * 2
    weight = 1 - (1 - _EDGE_WEIGHT) * min(1.0, float(offset.max()))
    return float(radius_px(one[None])[0]) * weight
