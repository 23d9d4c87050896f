"""Whom to follow: the people who matter most in the first seconds, for as long as they stay.

:mod:`core.tracking.association` finds out who is who from frame to frame; here its tracklets are
ranked.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from core.keypoints.protocol import Detection
from core.tracking.association import LabelledFrame, Observation, associate
from core.tracking.sightings import Sighting

_PATIENCE_S = 2.0  # as long as the tracks wait for somebody to come back
_SETTLE_S = 2.0  # within this, somebody more prominent may take over
_SETTLE_ALONE_S = 0.7  # the same while there is nobody else
_NO_FLICKER = 3  # sightings
_TAKE_OVER_FACTOR = 1.2  # more prominent than somebody in sight
_EDGE_WEIGHT = 0.5  # somebody at the picture's edge matters half as much as in its centre


@dataclass
class _Person:
    """One tracklet, from our first sighting to the last."""

    last: Sighting
    last_s: float
    sightings: int = 0
    prominence: float = 0.0
    cast_since_s: float | None = None


class Casting:
    """Names the people of a frame, and says which of them to follow.

    Args:
        places: how many people to follow.
    """

    def __init__(self, places: int) -> None:
        self._places = places
        self._people: dict[int, _Person] = {}
        self._waiting: deque[Observation] = deque()
        self._labelled = associate(self._handed_over(), patience_s=_PATIENCE_S)

    def watch(
        self,
        frame_index: int,
        time_s: float,
        detections: Sequence[Detection],
        picture_px: tuple[int, int],
        *,
        is_everybody: bool = True,
    ) -> dict[int, Sighting]:
        """Take in one frame.

        Args:
            frame_index: of the frame.
            time_s: of the frame.
            detections: whoever was seen in it.
            picture_px: its width and height.
            is_everybody: whether everybody was looked for. Where only some were, being seen makes
                nobody more prominent than those who could not be.

        Returns:
            Everybody in it by tracklet number.
        """
        self._waiting.append(Observation(frame_index, time_s, detections))
        frame = next(self._labelled)
        for number, sighting in frame.sightings.items():
            person = self._people.setdefault(number, _Person(sighting, time_s))
            person.last, person.last_s = sighting, time_s
            person.sightings += 1
            if is_everybody:
                person.prominence += _prominence(sighting, picture_px)
        gone = [n for n, p in self._people.items() if time_s - p.last_s > _PATIENCE_S]
        for number in gone:
            del self._people[number]
        self._cast(frame)
        return dict(frame.sightings)

    @property
    def cast(self) -> set[int]:
        """Tracklet numbers of those to follow, in sight or expected back."""
        return {n for n, person in self._people.items() if person.cast_since_s is not None}

    def last_sighting(self, number: int) -> Sighting:
        """Where somebody is, or was last; they are forgotten when they are no longer expected."""
        return self._people[number].last

    @property
    def is_full(self) -> bool:
        return len(self.cast) == self._places

    def is_settled(self, time_s: float) -> bool:
        """Whether nobody new could take over from those we follow."""
        contested = self._count_about(time_s, _NO_FLICKER) > self._places
        needed_s = _SETTLE_S if contested else _SETTLE_ALONE_S
        since = [p.cast_since_s for p in self._people.values() if p.cast_since_s is not None]
        return all(time_s - joined_s >= needed_s for joined_s in since)

    def has_rivals(self, time_s: float) -> bool:
        """Whether there is anybody but those we follow."""
        return self._count_about(time_s) > len(self.cast)

    def settle(self) -> None:
        """Let nobody take over from those whom we follow."""
        for person in self._people.values():
            if person.cast_since_s is not None:
                person.cast_since_s = float("-inf")

    def _count_about(self, time_s: float, sightings: int = 1) -> int:
        """How many have been seen lately, and so often before."""
        about = [p for p in self._people.values() if time_s - p.last_s < _SETTLE_ALONE_S]
        return sum(person.sightings >= sightings for person in about)

    def _cast(self, frame: LabelledFrame) -> None:
        """Fill free places with whoever is most prominent, and let fresh ones be outdone."""
        for number in sorted(frame.sightings, key=lambda n: -self._people[n].prominence):
            newcomer = self._people[number]
            if newcomer.cast_since_s is not None:
                continue
            if not self.is_full:
                newcomer.cast_since_s = frame.time_s
                continue
            outdone = self._outdone_by(newcomer, frame.time_s)
            if outdone is not None:
                newcomer.cast_since_s, outdone.cast_since_s = outdone.cast_since_s, None

    def _outdone_by(self, newcomer: _Person, time_s: float) -> _Person | None:
        open_to_change = [
            person
            for person in self._people.values()
            if person.cast_since_s is not None
            and time_s - person.cast_since_s < _SETTLE_S
            and newcomer.prominence > _factor(person, time_s) * person.prominence
        ]
        return min(open_to_change, key=lambda person: person.prominence, default=None)

    def _handed_over(self) -> Iterator[Observation]:
        while True:
            yield self._waiting.popleft()


def _factor(person: _Person, time_s: float) -> float:
    return _TAKE_OVER_FACTOR if person.last_s == time_s else 1.0


def _prominence(sighting: Sighting, picture_px: tuple[int, int]) -> float:
    """Size x confidence, the centre of the picture counting more than its edges."""
    offsets = np.abs(sighting.centre_px / np.array(picture_px) - 0.5) * 2
    weight = 1 - (1 - _EDGE_WEIGHT) * min(1.0, float(offsets.max()))
    return sighting.size_px * sighting.body_confidence * weight
