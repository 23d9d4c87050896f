"""Which tracklet is which person: a few slots, each one person of the result.

Decisions look ahead by a bounded time, so that a flicker never becomes a person, the main person is
not simply the first one seen, and somebody briefly hidden is not mistaken for gone.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from core.association import LabelledFrame
from core.sightings import Sighting
from core.track_report import TrackReport

RESUME_AFTER_S = 2.0
"""A slot whose person is gone for this long passes to whoever is there."""
UNLIKELY_RESUME_AFTER_S = 5.0
"""The same, if whoever is there appears much smaller, as people in the background do."""

_CONFIRM_SIGHTINGS = 3
_CONFIRM_S = 0.2
_CONFIRM_SHARE = 0.25  # of the frames between the first and the last sighting
_CONFIRM_CONFIDENCE = 0.15  # head and shoulders alone have about 0.2
_LOOK_AHEAD_FRAMES = 4  # enough to confirm somebody, however few frames a second are used
_LIKELY_SIZE_RATIO = 1.6
_SAME_PLACE = 2.0  # body sizes between where somebody was lost and where they come back
_EDGE_WEIGHT = 0.5  # somebody at the picture's edge matters half as much as in its centre


@dataclass(frozen=True)
class SlotSighting:
    """Who fills a slot in one frame; a change of tracklet means: perhaps another person."""

    tracklet: int
    sighting: Sighting


@dataclass(frozen=True)
class SlotFrame:
    """One frame with every slot filled or empty."""

    frame_index: int
    time_s: float
    slots: tuple[SlotSighting | None, ...]


def assign_slots(
    frames: Iterable[LabelledFrame],
    *,
    slots: int,
    patience_s: float,
    picture_px: tuple[int, int] | None,
    report: TrackReport,
) -> Iterator[SlotFrame]:
    """Put tracklets into slots, ``patience_s`` of look-ahead behind the input.

    A tracklet is *confirmed* once the look-ahead holds three sightings over 0.2 s, neither few and
    far between nor mere guesswork. A free slot takes the confirmed tracklet with the greatest
    size x confidence x presence, the centre of the picture counting more than its edges; if that
    one is yet to appear within the look-ahead, the slot waits. The person keeps the slot for as
    long as their tracklet lives. Afterwards it passes on: at once to somebody like them who turns
    up where they were lost, to others only when it is clear that they are gone (see
    :data:`RESUME_AFTER_S`). Nothing tells us whether that is the same person, so each such
    re-entry is reported, and at least one empty frame precedes it.

    Args:
        frames: in order of time.
        slots: how many people at most.
        patience_s: the look-ahead; no shorter than a tracklet may be unseen.
        picture_px: width and height, to know what is central; None if unknown.
        report: counts what is worth knowing about the result.
    """
    ahead = _LookAhead(picture_px)
    taken = [_Slot(number) for number in range(slots)]
    for frame in frames:
        ahead.append(frame)
        while ahead.covers(patience_s):
            yield _decide(ahead, taken, patience_s, report)
            ahead.pop()
    while ahead.frames:
        yield _decide(ahead, taken, patience_s, report)
        ahead.pop()


@dataclass
class _Slot:
    """Who held the slot last; ``tracklet`` is None until somebody does."""

    number: int
    tracklet: int | None = None
    last: Sighting | None = None
    last_s: float = -np.inf
    filled_before: bool = False

    def gone_s(self, ahead: "_LookAhead") -> float:
        """For how long the holder is known to be away; 0 while they are still expected."""
        if self.last is None or self.tracklet in ahead.presence:
            return 0.0
        return ahead.frames[-1].time_s - self.last_s


@dataclass
class _Presence:
    """What the look-ahead knows about one tracklet."""

    first_s: float
    last_s: float
    sightings: int = 0
    confidence: float = 0.0
    prominence: float = 0.0


class _LookAhead:
    """The frames from the one to decide now up to the newest, and who is in them."""

    def __init__(self, picture_px: tuple[int, int] | None) -> None:
        self.frames: deque[LabelledFrame] = deque()
        self.presence: dict[int, _Presence] = {}
        self._picture_px = picture_px
        self._start_s: float | None = None
        self._count = 0

    def covers(self, span_s: float) -> bool:
        span = self.frames[-1].time_s - self.frames[0].time_s if self.frames else 0.0
        return span >= span_s and len(self.frames) >= _LOOK_AHEAD_FRAMES

    def append(self, frame: LabelledFrame) -> None:
        self.frames.append(frame)
        self._count += 1
        self._start_s = frame.time_s if self._start_s is None else self._start_s
        for tracklet, sighting in frame.sightings.items():
            known = self.presence.setdefault(tracklet, _Presence(frame.time_s, frame.time_s))
            known.sightings += 1
            known.last_s = frame.time_s
            known.confidence += sighting.body_confidence
            known.prominence += self._prominence(sighting)

    def pop(self) -> None:
        for tracklet, sighting in self.frames.popleft().sightings.items():
            known = self.presence[tracklet]
            known.sightings -= 1
            known.confidence -= sighting.body_confidence
            known.prominence -= self._prominence(sighting)
            if known.sightings == 0:
                del self.presence[tracklet]

    def confirmed(self, tracklet: int) -> bool:
        """Whether this is a person, not a flicker. A video of a few frames is taken as it is."""
        known = self.presence[tracklet]
        start_s = self.frames[0].time_s if self._start_s is None else self._start_s
        shown_s = self.frames[-1].time_s - start_s
        first_s = next(f.time_s for f in self.frames if tracklet in f.sightings)
        awaited = sum(first_s <= f.time_s <= known.last_s for f in self.frames)
        return (
            known.sightings >= min(_CONFIRM_SIGHTINGS, self._count)
            and known.sightings >= _CONFIRM_SHARE * awaited
            and known.last_s - first_s >= min(_CONFIRM_S, shown_s / 2) - 1e-9
            and known.confidence / known.sightings >= _CONFIRM_CONFIDENCE
        )

    def score(self, tracklet: int) -> float:
        """Size x confidence x centrality, summed over sightings, once more times presence."""
        known = self.presence[tracklet]
        return known.prominence * known.sightings / len(self.frames) ** 2

    def _prominence(self, sighting: Sighting) -> float:
        weight = 1.0
        if self._picture_px is not None:
            offsets = np.abs(sighting.centre_px / np.array(self._picture_px) - 0.5) * 2
            weight = 1 - (1 - _EDGE_WEIGHT) * min(1.0, float(offsets.max()))
        return sighting.size_px * sighting.body_confidence * weight


def _decide(
    ahead: _LookAhead, taken: list[_Slot], patience_s: float, report: TrackReport
) -> SlotFrame:
    """Fill the slots of the oldest frame in the look-ahead."""
    now = ahead.frames[0]
    held = {slot.tracklet for slot in taken}
    people = [n for n in ahead.presence if n not in held and ahead.confirmed(n)]
    report.people_at_once(sum(n in now.sightings for n in (*people, *held)))
    vacant = [slot for slot in taken if _is_vacant(slot, ahead, patience_s)]
    while vacant and people:
        # Whoever ranks first has the first claim, and the slot waits if they are yet to appear.
        tracklet = max(people, key=lambda n: _claim(n, ahead, vacant, len(taken)))
        people.remove(tracklet)
        slot = _choose(tracklet, ahead, vacant)
        if slot is None:
            continue
        vacant.remove(slot)
        if tracklet in now.sightings:
            _enter(slot, tracklet, now, report)
    return SlotFrame(now.frame_index, now.time_s, tuple(_fill(slot, now) for slot in taken))


def _is_vacant(slot: _Slot, ahead: _LookAhead, patience_s: float) -> bool:
    if slot.tracklet is None:
        return True
    return not slot.filled_before and slot.gone_s(ahead) >= patience_s


def _claim(tracklet: int, ahead: _LookAhead, vacant: list[_Slot], slots: int) -> tuple[float, int]:
    """Rank of a tracklet among those who want a slot; the older one wins a draw."""
    score = ahead.score(tracklet)
    former = vacant[0].last if slots == 1 else None
    if former is not None:
        score /= _size_ratio(former, _first_sighting(tracklet, ahead))
    return score, -tracklet


def _choose(tracklet: int, ahead: _LookAhead, vacant: list[_Slot]) -> _Slot | None:
    """The slot somebody should enter: one they left here, a new one, or any that is long empty."""
    sighting, first_s = _first_sighting(tracklet, ahead), ahead.presence[tracklet].first_s
    free = [slot for slot in vacant if slot.last is None]
    left = [(slot, slot.last) for slot in vacant if slot.last is not None]
    left.sort(key=lambda pair: _unlikeness(pair[1], sighting))
    returned = [
        slot
        for slot, last in left
        if first_s > slot.last_s
        and _size_ratio(last, sighting) <= _LIKELY_SIZE_RATIO
        and _unlikeness(last, sighting) <= _SAME_PLACE
    ]
    now_s = ahead.frames[0].time_s
    long_empty = [
        slot
        for slot, last in left
        if now_s - slot.last_s
        >= (
            UNLIKELY_RESUME_AFTER_S
            if sighting.size_px * _LIKELY_SIZE_RATIO < last.size_px
            else RESUME_AFTER_S
        )
    ]
    return next(iter((*returned, *free, *long_empty)), None)


def _unlikeness(last: Sighting, sighting: Sighting) -> float:
    """How far apart and how differently large, in body sizes."""
    apart_px = np.hypot(*(sighting.centre_px - last.centre_px))
    return float(apart_px) / last.size_px + float(np.log(_size_ratio(last, sighting)))


def _enter(slot: _Slot, tracklet: int, now: LabelledFrame, report: TrackReport) -> None:
    if slot.tracklet is not None:
        report.reentered(slot.number, now.time_s, now.time_s - slot.last_s)
    slot.tracklet = tracklet


def _fill(slot: _Slot, now: LabelledFrame) -> SlotSighting | None:
    sighting = None if slot.tracklet is None else now.sightings.get(slot.tracklet)
    slot.filled_before = sighting is not None
    if sighting is None or slot.tracklet is None:
        return None
    slot.last, slot.last_s = sighting, now.time_s
    return SlotSighting(slot.tracklet, sighting)


def _first_sighting(tracklet: int, ahead: _LookAhead) -> Sighting:
    return next(f.sightings[tracklet] for f in ahead.frames if tracklet in f.sightings)


def _size_ratio(one: Sighting, other: Sighting) -> float:
    """How many times larger the larger of the two is."""
    return max(one.size_px, other.size_px) / min(one.size_px, other.size_px)
