"""The same person seen twice in one frame: twice by a scout, or by a scout and a follower."""

from collections.abc import Sequence

from core.keypoints.protocol import Detection
from core.tracking.sightings import Sighting, compare, measure

# In body sizes, half a metre for an adult. Scouts repeat people sloppily, followers do not.
_BOTH_FOLLOWED = 0.4
_BOTH_SCOUTED = 0.6
# Whoever stands right behind somebody who is followed is noticed when they part.
_FOLLOWED_AND_SCOUTED = 0.9

_Seen = tuple[Detection, Sighting]


def without_repeats(followed: Sequence[Detection], scouted: Sequence[Detection]) -> list[Detection]:
    """Everybody once: those who are followed first and in their order, then the surest."""
    known: list[_Seen] = []
    for person in _measured(followed):
        if not _is_among(person, known, _BOTH_FOLLOWED):
            known.append(person)
    new: list[_Seen] = []
    for person in sorted(_measured(scouted), key=lambda seen: -seen[1].body_confidence):
        if not _is_among(person, known, _FOLLOWED_AND_SCOUTED) and not _is_among(
            person, new, _BOTH_SCOUTED
        ):
            new.append(person)
    return [detection for detection, _ in (*known, *new)]


def _measured(detections: Sequence[Detection]) -> list[_Seen]:
    """With their measures; what does not show a body is dropped."""
    return [(d, sighting) for d in detections if (sighting := measure(d)) is not None]


def _is_among(person: _Seen, others: Sequence[_Seen], closer_than: float) -> bool:
    distances = (compare(person[1], other) for _, other in others)
    return any(apart is not None and apart.distance < closer_than for apart in distances)
