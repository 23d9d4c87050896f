"""The next few seconds of tracklets: who is a person, who a flicker, and who matters most."""

from collections import deque
from dataclasses import dataclass

import numpy as np

from core.tracking.association import LabelledFrame
from core.tracking.sightings import Sighting

_CONFIRM_SIGHTINGS = 3
_CONFIRM_S = 0.2
_CONFIRM_SHARE = 0.25  # of the frames between the first and the last sighting
_CONFIRM_CONFIDENCE = 0.15  # head and shoulders alone have about 0.2
_LEAST_FRAMES = 4  # enough to confirm somebody, however few frames a second are used
_CORNER_WEIGHT = 0.5  # somebody in a corner of the picture matters half as much as in its centre


@dataclass
class Presence:
    """What the look-ahead knows about one tracklet.

    Attributes:
        first_s: first sighting, whether it is still in the look-ahead or not.
        last_s: newest sighting.
        sightings: how many the look-ahead holds.
        confidence: sum of the body's confidence over these.
        prominence: sum of size x confidence x centrality over these.
    """

    first_s: float
    last_s: float
    sightings: int = 0
    confidence: float = 0.0
    prominence: float = 0.0


class LookAhead:
    """The frames from the one to decide now up to the newest, and who is in them.

    Args:
        picture_px: width and height of the picture, to know what is central; None if unknown.
    """

    def __init__(self, picture_px: tuple[int, int] | None) -> None:
        self.frames: deque[LabelledFrame] = deque()
        self.presence: dict[int, Presence] = {}
        self._picture_px = picture_px
        self._start_s: float | None = None
        self._count = 0

    @property
    def now(self) -> LabelledFrame:
        """The frame to decide."""
        return self.frames[0]

    @property
    def newest_s(self) -> float:
        return self.frames[-1].time_s

    def covers(self, span_s: float) -> bool:
        """Whether enough of the future is known to decide."""
        enough = len(self.frames) >= _LEAST_FRAMES
        return enough and self.newest_s - self.now.time_s >= span_s

    def append(self, frame: LabelledFrame) -> None:
        self.frames.append(frame)
        self._count += 1
        self._start_s = frame.time_s if self._start_s is None else self._start_s
        for tracklet, sighting in frame.sightings.items():
            known = self.presence.setdefault(tracklet, Presence(frame.time_s, frame.time_s))
            known.sightings += 1
            known.last_s = frame.time_s
            known.confidence += sighting.body_confidence
            known.prominence += self._prominence(sighting)

    def pop(self) -> None:
        """Let go of the frame that is decided."""
        for tracklet, sighting in self.frames.popleft().sightings.items():
            known = self.presence[tracklet]
            known.sightings -= 1
            known.confidence -= sighting.body_confidence
            known.prominence -= self._prominence(sighting)
            if known.sightings == 0:
                del self.presence[tracklet]

    def confirmed(self, tracklet: int) -> bool:
        """Whether this is a person, not a flicker.

        A person has three sightings over 0.2 s, neither few and far between nor mere guesswork. A
        video of a few frames is taken as it is.
        """
        known = self.presence[tracklet]
        shown_s = self.newest_s - (self.now.time_s if self._start_s is None else self._start_s)
        first_s = next(f.time_s for f in self.frames if tracklet in f.sightings)
        awaited = sum(first_s <= f.time_s <= known.last_s for f in self.frames)
        return (
            known.sightings >= min(_CONFIRM_SIGHTINGS, self._count)
            and known.sightings >= _CONFIRM_SHARE * awaited
            and known.last_s - first_s >= min(_CONFIRM_S, shown_s / 2) - 1e-9
            and known.confidence / known.sightings >= _CONFIRM_CONFIDENCE
        )

    def first_sighting(self, tracklet: int) -> Sighting:
        """The earliest one that is still ahead."""
        return next(f.sightings[tracklet] for f in self.frames if tracklet in f.sightings)

    def score(self, tracklet: int) -> float:
        """Size x confidence x centrality, summed over sightings, once more times presence."""
        known = self.presence[tracklet]
        return known.prominence * known.sightings / len(self.frames) ** 2

    def _prominence(self, sighting: Sighting) -> float:
        weight = 1.0
        if self._picture_px is not None:
            offsets = np.abs(sighting.centre_px / np.array(self._picture_px) - 0.5) * 2
            weight = 1 - (1 - _CORNER_WEIGHT) * min(1.0, float(np.hypot(*offsets)) / np.sqrt(2))
        return sighting.size_px * sighting.body_confidence * weight
