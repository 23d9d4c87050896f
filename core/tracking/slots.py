"""Which tracklet is which person: a few slots, each one person of the result.

Decisions look ahead by a bounded time, so that a flicker never becomes a person, the main person is
not simply the first one seen, and somebody briefly hidden is not mistaken for gone.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from core.tracking.association import LabelledFrame
from core.tracking.look_ahead import LookAhead
from core.tracking.report import TrackReport
from core.tracking.sightings import Sighting

RESUME_AFTER_S = 2.0
"""A slot whose person is gone for this long passes to whoever is there."""
UNLIKELY_RESUME_AFTER_S = 5.0
"""The same, if whoever is there appears much smaller, as people in the background do."""

_LIKELY_SIZE_RATIO = 1.6
_WORTH_WAITING = 1.5  # how much more somebody yet to come must matter than somebody here
_SAME_PLACE = 2.0  # body sizes between where somebody was lost and where they come back


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

    A free slot takes the confirmed tracklet (see :meth:`LookAhead.confirmed`) with the greatest
    size x confidence x presence, the centre of the picture counting more than its corners; for
    somebody who matters clearly more and appears within the look-ahead, the slot waits. The person
    keeps the slot for as long as their tracklet lives. Afterwards it passes on: at once to somebody
    like them who turns up where they were lost, to others only when it is clear that they are gone
    (see :data:`RESUME_AFTER_S`). Nothing tells us whether that is the same person, so each such
    re-entry is reported, and at least one empty frame precedes it.

    Args:
        frames: in order of time.
        slots: how many people at most.
        patience_s: the look-ahead; no shorter than a tracklet may be unseen.
        picture_px: width and height, to know what is central; None if unknown.
        report: counts what is worth knowing about the result.
    """
    ahead = LookAhead(picture_px)
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

    def gone_s(self, ahead: LookAhead) -> float:
        """For how long the holder is known to be away; 0 while they are still expected."""
        if self.last is None or self.tracklet in ahead.presence:
            return 0.0
        return ahead.newest_s - self.last_s


def _decide(
    ahead: LookAhead, taken: list[_Slot], patience_s: float, report: TrackReport
) -> SlotFrame:
    """Fill the slots of the oldest frame in the look-ahead."""
    now = ahead.now
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


def _is_vacant(slot: _Slot, ahead: LookAhead, patience_s: float) -> bool:
    if slot.tracklet is None:
        return True
    return not slot.filled_before and slot.gone_s(ahead) >= patience_s


def _claim(tracklet: int, ahead: LookAhead, vacant: list[_Slot], slots: int) -> tuple[float, int]:
    """Rank of a tracklet among those who want a slot; the older one wins a draw."""
    score = ahead.score(tracklet)
    former = vacant[0].last if slots == 1 else None
    if former is not None:
        score /= _size_ratio(former, ahead.first_sighting(tracklet))
    if tracklet not in ahead.now.sightings:
        score /= _WORTH_WAITING
    return score, -tracklet


def _choose(tracklet: int, ahead: LookAhead, vacant: list[_Slot]) -> _Slot | None:
    """The slot somebody should enter: one they left here, a new one, or any that is long empty."""
    sighting, first_s = ahead.first_sighting(tracklet), ahead.presence[tracklet].first_s
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
    long_empty = [
        slot
        for slot, last in left
        if ahead.now.time_s - slot.last_s >= _waiting_time_s(last, sighting)
    ]
    return next(iter((*returned, *free, *long_empty)), None)


def _waiting_time_s(last: Sighting, sighting: Sighting) -> float:
    much_smaller = sighting.size_px * _LIKELY_SIZE_RATIO < last.size_px
    return UNLIKELY_RESUME_AFTER_S if much_smaller else RESUME_AFTER_S


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


def _size_ratio(one: Sighting, other: Sighting) -> float:
    """How many times larger the larger of the two is."""
    return max(one.size_px, other.size_px) / min(one.size_px, other.size_px)
