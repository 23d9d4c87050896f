"""Small tracks and poses to feed a stage with, and ways to cut them into chunks."""

import itertools
from collections.abc import Iterable

import numpy as np
from hypothesis import strategies as st

from core.chunks import PoseChunk, TrackChunk
from core.runs import cut_poses, cut_track


def even_times(frames: int, fps: float = 30.0, start_s: float = 0.0) -> np.ndarray:
    return start_s + np.arange(frames) / fps


def make_track(
    frames: int, persons: int = 1, *, absent: np.ndarray | None = None, time_s=None, seed: int = 0
) -> TrackChunk:
    """People at random places; ``absent`` (persons, frames) says where they are not there."""
    rng = np.random.default_rng(seed)
    keypoints_px = rng.uniform(100, 500, (persons, frames, 33, 2)).astype(np.float32)
    confidence = rng.uniform(0.2, 1, (persons, frames, 33)).astype(np.float32)
    observed = np.ones((persons, frames), np.bool_)
    if absent is not None:
        keypoints_px[absent], confidence[absent], observed[absent] = np.nan, np.nan, False
    return TrackChunk(
        frame_index=np.arange(frames, dtype=np.int64),
        frame_time_s=even_times(frames) if time_s is None else time_s,
        keypoints_px=keypoints_px,
        confidence=confidence,
        observed=observed,
    )


def make_poses(
    joints_m: np.ndarray, time_s: np.ndarray | None = None, sigma_m: np.ndarray | float = 0.03
) -> PoseChunk:
    """Poses (persons, frames, 28, 3); NaN where absent."""
    absent = np.isnan(joints_m).all(axis=(-2, -1))
    track = make_track(joints_m.shape[1], joints_m.shape[0], absent=absent, time_s=time_s)
    sigma = np.broadcast_to(np.float32(sigma_m), joints_m.shape[:3]).copy()
    sigma[absent] = np.nan
    return PoseChunk(track, joints_m.astype(np.float32), sigma)


def cut_at(chunk, cuts: Iterable[int]):
    """The same frames in several chunks; equal cuts make empty ones."""
    cut = cut_poses if isinstance(chunk, PoseChunk) else cut_track
    edges = [0, *sorted(min(c, len(chunk)) for c in cuts), len(chunk)]
    return [cut(chunk, a, b) for a, b in itertools.pairwise(edges)]


cuts = st.lists(st.integers(0, 300), max_size=12)
