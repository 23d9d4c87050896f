"""Made-up people for the tests of tracking: stick figures that walk through a picture."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from core.chunks import TrackChunk
from core.keypoints.protocol import Detection
from core.tracking.tracks import Observation, TrackReport, follow_persons

# Height above the ground and offset to the side, as shares of the body height: left is positive.
_STANCE = {
    "nose": (0.93, 0.0),
    "shoulder": (0.82, 0.12),
    "elbow": (0.63, 0.16),
    "wrist": (0.48, 0.17),
    "hip": (0.52, 0.08),
    "knee": (0.28, 0.08),
    "ankle": (0.04, 0.08),
    "eye": (0.95, 0.02),
    "ear": (0.94, 0.04),
    "mouth": (0.91, 0.01),
    "pinky": (0.43, 0.18),
    "index": (0.43, 0.17),
    "thumb": (0.45, 0.16),
    "heel": (0.01, 0.08),
    "foot": (0.01, 0.10),
}


def figure(x_px: float, feet_y_px: float, height_px: float, confidence: float = 0.9) -> Detection:
    """A standing person seen from the front; the wrists tell left from right."""
    from core.skeleton import KEYPOINT_NAMES

    points = np.empty((33, 2), np.float32)
    for row, name in enumerate(KEYPOINT_NAMES):
        part = next(part for part in _STANCE if part in name)
        up, side = _STANCE[part]
        sign = 1 if "left" in name else -1
        points[row] = x_px + sign * side * height_px, feet_y_px - up * height_px
    return Detection(points, np.full(33, confidence, np.float32))


Walk = Callable[[float], Detection | None]
"""Where somebody is at a time in seconds; None while the detector does not see them."""


def walk(
    x_px: float,
    speed_px_per_s: float,
    height_px: float = 300,
    feet_y_px: float = 700,
    seen: Sequence[tuple[float, float]] = ((0.0, np.inf),),
    confidence: float = 0.9,
) -> Walk:
    def at(time_s: float) -> Detection | None:
        if not any(start <= time_s < stop for start, stop in seen):
            return None
        return figure(x_px + speed_px_per_s * time_s, feet_y_px, height_px, confidence)

    return at


def film(walks: Sequence[Walk], times_s: Iterable[float]) -> list[Observation]:
    return [
        Observation(index, float(t), [d for at in walks if (d := at(float(t))) is not None])
        for index, t in enumerate(times_s)
    ]


def follow(
    observations: Iterable[Observation],
    max_persons: int = 1,
    max_gap_s: float = 0.5,
    chunk_frames: int = 50,
    report: TrackReport | None = None,
    picture_px: tuple[int, int] | None = (1280, 720),
) -> TrackChunk:
    """All chunks joined."""
    return joined(
        list(
            follow_persons(
                observations,
                max_persons=max_persons,
                max_gap_s=max_gap_s,
                chunk_frames=chunk_frames,
                report=report,
                picture_px=picture_px,
            )
        )
    )


def joined(chunks: Sequence[TrackChunk]) -> TrackChunk:
    hints = [c.hint_m for c in chunks]
    shape = [(*c.keypoints_px.shape[:3], 3) for c in chunks]
    filled = [
        np.full(s, np.nan, np.float32) if h is None else h
        for h, s in zip(hints, shape, strict=True)
    ]
    return TrackChunk(
        frame_index=np.concatenate([c.frame_index for c in chunks]),
        frame_time_s=np.concatenate([c.frame_time_s for c in chunks]),
        keypoints_px=np.concatenate([c.keypoints_px for c in chunks], axis=1),
        confidence=np.concatenate([c.confidence for c in chunks], axis=1),
        observed=np.concatenate([c.observed for c in chunks], axis=1),
        hint_m=None if all(h is None for h in hints) else np.concatenate(filled, axis=1),
    )


def centre_x(track: TrackChunk, slot: int = 0) -> np.ndarray:
    """Middle between the hips over time; NaN where absent."""
    return track.keypoints_px[slot, :, 23:25, 0].mean(axis=1)
