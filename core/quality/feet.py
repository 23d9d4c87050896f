"""Whether feet are in the picture, and whether those that stand stay where they stand."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float64

from core.chunks import PoseChunk
from core.skeleton import BODY, KEYPOINT_NAMES

UNKNOWN_CONFIDENCE = 0.5
STANDING = 0.015
"""Of the person's size: how far a foot's keypoints may be from where they stood on average."""
STANDS_S = 0.5
"""Shorter rests are not counted: a walker's feet rest too, but never both for long."""


def _places(names: tuple[str, ...], *parts: str) -> list[list[int]]:
    return [[names.index(f"{side}_{part}") for part in parts] for side in ("left", "right")]


_FEET = _places(KEYPOINT_NAMES, "ankle", "foot_index")
_ANKLES = [place for (place,) in _places(KEYPOINT_NAMES, "ankle")]
_ANKLE_JOINTS = [place for (place,) in _places(BODY.names, "ankle")]
_TRUNK = [KEYPOINT_NAMES.index(n) for n in
          ("left_shoulder", "right_shoulder", "left_hip", "right_hip")]  # fmt: skip


class CutOffWatch:
    """Counts poses both of whose feet are outside the picture or unknown.

    Args:
        width_px: of the upright picture.
        height_px: of the upright picture.
    """

    def __init__(self, width_px: int, height_px: int) -> None:
        self._size_px = np.array([width_px, height_px])
        self._poses = 0
        self._cut = 0

    def add(self, chunk: PoseChunk) -> None:
        """Count the next frames in."""
        feet_px = chunk.track.keypoints_px[..., _FEET, :]  # (persons, frames, sides, parts, 2)
        confidence = np.nan_to_num(chunk.track.confidence[..., _FEET])
        inside = ((feet_px >= 0) & (feet_px <= self._size_px)).all(axis=-1)  # NaN is not
        seen = (inside & (confidence >= UNKNOWN_CONFIDENCE)).any(axis=-1)  # (P, T, sides)
        present = chunk.track.present
        self._poses += int(present.sum())
        self._cut += int((present & ~seen.any(axis=-1)).sum())

    @property
    def cut_off_share(self) -> float:
        """Share of the poses without feet, in [0, 1]."""
        return self._cut / max(1, self._poses)


@dataclass
class _Rest:
    """A stretch in which both ankles stay where they are in the picture; means and squares."""

    began_s: float
    frames: int = 0
    ankles_px: Float64[np.ndarray, "2 2"] = field(default_factory=lambda: np.zeros((2, 2)))
    apart_m: Float64[np.ndarray, "3"] = field(default_factory=lambda: np.zeros(3))
    squares: float = 0.0

    def add(self, ankles_px: Float64[np.ndarray, "2 2"], apart_m: Float64[np.ndarray, "3"]) -> None:
        """One more frame.

        Source: Welford, "Note on a method for calculating corrected sums of squares and products",
        Technometrics 1962.
        """
        self.frames += 1
        self.ankles_px = self.ankles_px + (ankles_px - self.ankles_px) / self.frames
        off_m = apart_m - self.apart_m
        self.apart_m = self.apart_m + off_m / self.frames
        self.squares += float(off_m @ (apart_m - self.apart_m))


class SlideWatch:
    """Measures how feet slide that stand.

    Joints are relative to the pelvis, so one foot's path says nothing. But while both ankles stay
    where they are in the picture, whatever the body does above them, the way from one to the other
    cannot change: what it changes is an error, mostly of depth. A camera that moves, and people who
    walk, leave nothing to measure.
    """

    def __init__(self) -> None:
        self._rests: dict[int, _Rest] = {}
        self._frames = 0
        self._squares = 0.0

    def add(self, chunk: PoseChunk) -> None:
        """Count the next frames in."""
        keypoints_px = chunk.track.keypoints_px.astype(np.float64)
        ankles_px = keypoints_px[..., _ANKLES, :]
        left, right = _ANKLE_JOINTS
        apart_m = (chunk.joints_m[..., left, :] - chunk.joints_m[..., right, :]).astype(np.float64)
        told = np.isfinite(ankles_px).all(axis=(-2, -1)) & np.isfinite(apart_m).all(axis=-1)
        told &= _known(chunk)
        trunk_px = keypoints_px[..., _TRUNK, :]
        size_px = np.ptp(np.where(told[..., None, None], trunk_px, 0), axis=-2).max(axis=-1) * 3
        for person in range(chunk.track.persons):
            for frame, time_s in enumerate(chunk.track.frame_time_s):
                if told[person, frame]:
                    within_px = STANDING * float(size_px[person, frame])
                    self._stand(
                        person, float(time_s), ankles_px[person, frame], apart_m[person, frame],
                        within_px,
                    )  # fmt: skip
                else:
                    self._leave(person, float(time_s))

    def slide_m(self) -> float | None:
        """Root mean square of how far the feet slid, metres; None if nobody stood long enough."""
        frames, squares = self._frames, self._squares
        return float(np.sqrt(squares / frames)) if frames else None

    def finish(self, time_s: float) -> None:
        """The video ended at this time."""
        for person in list(self._rests):
            self._leave(person, time_s)

    def _stand(
        self,
        person: int,
        time_s: float,
        ankles_px: Float64[np.ndarray, "2 2"],
        apart_m: Float64[np.ndarray, "3"],
        within_px: float,
    ) -> None:
        rest = self._rests.get(person)
        if rest is not None and np.abs(ankles_px - rest.ankles_px).max() > within_px:
            self._leave(person, time_s)
            rest = None
        if rest is None:
            rest = self._rests[person] = _Rest(time_s)
        rest.add(ankles_px, apart_m)

    def _leave(self, person: int, time_s: float) -> None:
        rest = self._rests.pop(person, None)
        if rest is not None and rest.frames > 2 and time_s - rest.began_s >= STANDS_S:
            self._frames += rest.frames
            self._squares += rest.squares


def _known(chunk: PoseChunk) -> Bool[np.ndarray, "persons frames"]:
    confidence = np.nan_to_num(chunk.track.confidence[..., _ANKLES])
    return (confidence >= UNKNOWN_CONFIDENCE).all(axis=-1) & chunk.track.observed
