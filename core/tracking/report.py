"""How the following of people went: counted while it runs, told in the result's manifest."""

from dataclasses import dataclass, field
from typing import Any

_LOW_CONFIDENCE = 0.5
_MAX_REENTRIES = 200  # listed one by one; all are counted, and memory stays flat


@dataclass(frozen=True)
class ReEntry:
    """Somebody took over a slot whose person was gone. They may be another person.

    Attributes:
        slot: the track that goes on, as ``track_id`` in the result.
        time_s: when they appear, in the video's time.
        gap_s: how long the slot had been empty.
    """

    slot: int
    time_s: float
    gap_s: float


@dataclass
class TrackReport:
    """Counters of one video, valid once ``follow_persons`` has run to its end.

    Attributes:
        max_persons: how many people were followed at most.
        frames: used frames.
        observed_frames: by slot, frames in which the person was seen.
        interpolated_frames: by slot, frames between two sightings that were filled.
        low_confidence_frames: by slot, observed frames with a mean confidence of the main
            keypoints below 0.5.
        most_people: the most people that were seen at once, followed or not.
        reentries: the first of them, in order of time.
        reentry_count: all of them.
    """

    max_persons: int = 1
    frames: int = 0
    observed_frames: list[int] = field(default_factory=list)
    interpolated_frames: list[int] = field(default_factory=list)
    low_confidence_frames: list[int] = field(default_factory=list)
    most_people: int = 0
    reentries: list[ReEntry] = field(default_factory=list)
    reentry_count: int = 0

    def start(self, max_persons: int) -> None:
        self.max_persons = max_persons
        self.observed_frames = [0] * max_persons
        self.interpolated_frames = [0] * max_persons
        self.low_confidence_frames = [0] * max_persons

    def people_at_once(self, people: int) -> None:
        self.most_people = max(self.most_people, people)

    def reentered(self, slot: int, time_s: float, gap_s: float) -> None:
        self.reentry_count += 1
        if len(self.reentries) < _MAX_REENTRIES:
            self.reentries.append(ReEntry(slot, time_s, gap_s))

    def observed(self, slot: int, body_confidence: float) -> None:
        self.observed_frames[slot] += 1
        self.low_confidence_frames[slot] += body_confidence < _LOW_CONFIDENCE

    def interpolated(self, slot: int) -> None:
        self.interpolated_frames[slot] += 1

    @property
    def persons(self) -> int:
        """How many slots ever held somebody."""
        return sum(frames > 0 for frames in self.observed_frames)

    @property
    def low_confidence_share(self) -> float:
        """Share of the observed poses with a low confidence, in [0, 1]; 0 if nobody was seen."""
        return sum(self.low_confidence_frames) / max(1, sum(self.observed_frames))

    def as_quality(self) -> dict[str, Any]:
        """Plain values for the manifest's quality report."""
        return {
            "frames": self.frames,
            "persons": self.persons,
            "observed_frames": list(self.observed_frames),
            "interpolated_frames": list(self.interpolated_frames),
            "low_confidence_share": round(self.low_confidence_share, 4),
            "most_people_at_once": self.most_people,
            "people_not_followed": max(0, self.most_people - self.max_persons),
            "reentry_count": self.reentry_count,
            "reentries": [
                {"track_id": r.slot, "time_s": round(r.time_s, 4), "gap_s": round(r.gap_s, 4)}
                for r in self.reentries
            ],
        }
