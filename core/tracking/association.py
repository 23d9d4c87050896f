"""Which detection continues which person: frame by frame, whatever order they come in.

A *tracklet* is a run of detections that belong together without doubt: position, size and pose
change no faster than people move. It ends once nothing has matched it for a while; whether a later
tracklet is the same person is decided in :mod:`core.tracking.slots`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

import numpy as np
from jaxtyping import Float64

from core.keypoints.protocol import Detection
from core.tracking.assignment import cheapest_pairs
from core.tracking.sightings import Sighting, compare, distinct

_GATE = (
    0.7  # body sizes a person may be off the prediction, detector noise and pose change included
)
_GATE_PER_S = 4.0  # and more for every second since they were last seen: 2 m/s for an adult
_GATE_PER_S_UNKNOWN = 10.0  # while we do not know yet how fast they move
_GATE_GROWS_FOR_S = 0.5  # beyond this, being lost longer does not make far places more plausible
_VELOCITY_MEMORY_S = 0.15  # averages out keypoint noise, follows a change of direction
_VELOCITY_FADES_S = 1.0  # somebody unseen is not expected to go on walking for ever
_FLICKER_PATIENCE_S = 0.3  # how long something seen once is waited for


@dataclass(frozen=True)
class Observation:
    """What the estimator saw in one used frame, without its pixels.

    Attributes:
        frame_index: counts decoded frames of the video from 0.
        time_s: true presentation time; increases from one observation to the next.
        detections: people in no particular order.
    """

    frame_index: int
    time_s: float
    detections: Sequence[Detection]


@dataclass(frozen=True)
class LabelledFrame:
    """The people of one frame by tracklet number."""

    frame_index: int
    time_s: float
    sightings: Mapping[int, Sighting] = field(default_factory=dict)


def associate(observations: Iterable[Observation], *, patience_s: float) -> Iterator[LabelledFrame]:
    """Give every detection a tracklet number; numbers are never used twice.

    Each tracklet predicts where its person is now (constant velocity over true time, fading while
    unseen); detections and tracklets are paired at the least total distance, and only within a gate
    that widens with the time since the last sighting. The order of the detections plays no role.

    Args:
        observations: in order of time.
        patience_s: how long a person may be unseen and still continue their tracklet.
    """
    numbers = count()
    live: dict[int, _Tracklet] = {}
    previous_s: float | None = None
    for observation in observations:
        now_s = observation.time_s
        interval_s = 0.0 if previous_s is None else now_s - previous_s
        live = {n: t for n, t in live.items() if t.is_awaited(now_s, interval_s, patience_s)}
        found = distinct(observation.detections)
        paired = _pair(found, live, now_s, interval_s)
        sightings: dict[int, Sighting] = {}
        for position, sighting in enumerate(found):
            number = paired.get(position)
            if number is None:
                number = next(numbers)
                live[number] = _Tracklet(sighting, now_s)
            else:
                live[number] = live[number].seen(sighting, now_s, interval_s)
            sightings[number] = sighting
        previous_s = now_s
        yield LabelledFrame(observation.frame_index, now_s, sightings)


@dataclass(frozen=True)
class _Tracklet:
    last: Sighting
    last_s: float
    velocity_px_per_s: Float64[np.ndarray, "2"] = field(default_factory=lambda: np.zeros(2))
    sightings: int = 1
    seen_s: float = 0.0

    def is_awaited(self, now_s: float, interval_s: float, patience_s: float) -> bool:
        """Whether it may still be continued: not for much longer than it had been seen before.

        Always so one frame later, however slow the video.
        """
        patience_s = min(patience_s, _FLICKER_PATIENCE_S + self.seen_s)
        return now_s - self.last_s <= max(patience_s, interval_s) + 1e-6

    def distance(self, sighting: Sighting, now_s: float, interval_s: float) -> float:
        """How far the sighting is from the prediction, as a share of what is plausible."""
        unseen_s = now_s - self.last_s
        per_s = _GATE_PER_S if self.sightings > 1 else _GATE_PER_S_UNKNOWN
        gate = _GATE + per_s * min(unseen_s, max(interval_s, _GATE_GROWS_FOR_S))
        travelled_s = _VELOCITY_FADES_S * (1 - np.exp(-unseen_s / _VELOCITY_FADES_S))
        apart = compare(self.last, sighting)
        if apart is None:
            return np.inf
        share = apart.distance_from(self.velocity_px_per_s * travelled_s) / gate
        return float(share) if share < 1 else np.inf

    def seen(self, sighting: Sighting, now_s: float, interval_s: float) -> "_Tracklet":
        moved = compare(self.last, sighting)
        elapsed_s = now_s - self.last_s
        velocity = self.velocity_px_per_s
        if moved is not None and elapsed_s > 0:
            fresh = 1.0 if self.sightings == 1 else 1 - np.exp(-elapsed_s / _VELOCITY_MEMORY_S)
            velocity = velocity + fresh * (moved.shift_px / elapsed_s - velocity)
        return replace(
            self,
            last=sighting,
            last_s=now_s,
            velocity_px_per_s=velocity,
            sightings=self.sightings + 1,
            seen_s=self.seen_s + interval_s,
        )


def _pair(
    found: Sequence[Sighting], live: Mapping[int, _Tracklet], now_s: float, interval_s: float
) -> dict[int, int]:
    """Tracklet number by position in ``found``, for those that continue one."""
    if not found or not live:
        return {}
    numbers = list(live)
    cost = np.array([[live[n].distance(s, now_s, interval_s) for n in numbers] for s in found])
    return {position: numbers[column] for position, column in cheapest_pairs(cost, 1.0)}
