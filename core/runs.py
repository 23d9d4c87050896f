"""Cutting and joining chunks: every stage that looks ahead holds a run of them for a while."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32

from core.chunks import PoseChunk, TrackChunk


def join_tracks(tracks: Sequence[TrackChunk]) -> TrackChunk:
    """One chunk from at least one, in order. A missing 3D hint becomes NaN if others have one."""
    if len(tracks) == 1:
        return tracks[0]
    return TrackChunk(
        frame_index=np.concatenate([track.frame_index for track in tracks]),
        frame_time_s=np.concatenate([track.frame_time_s for track in tracks]),
        keypoints_px=np.concatenate([track.keypoints_px for track in tracks], axis=1),
        confidence=np.concatenate([track.confidence for track in tracks], axis=1),
        observed=np.concatenate([track.observed for track in tracks], axis=1),
        hint_m=_join_hints(tracks),
    )


def cut_track(track: TrackChunk, start: int, stop: int) -> TrackChunk:
    """Frames ``start .. stop`` of a chunk, copied so that they do not keep the rest alive."""
    return TrackChunk(
        frame_index=track.frame_index[start:stop].copy(),
        frame_time_s=track.frame_time_s[start:stop].copy(),
        keypoints_px=track.keypoints_px[:, start:stop].copy(),
        confidence=track.confidence[:, start:stop].copy(),
        observed=track.observed[:, start:stop].copy(),
        hint_m=None if track.hint_m is None else track.hint_m[:, start:stop].copy(),
    )


def join_poses(poses: Sequence[PoseChunk]) -> PoseChunk:
    """One chunk from at least one, in order."""
    if len(poses) == 1:
        return poses[0]
    return PoseChunk(
        track=join_tracks([pose.track for pose in poses]),
        joints_m=np.concatenate([pose.joints_m for pose in poses], axis=1),
        sigma_m=np.concatenate([pose.sigma_m for pose in poses], axis=1),
    )


def cut_poses(poses: PoseChunk, start: int, stop: int) -> PoseChunk:
    """Frames ``start .. stop`` of a chunk, copied so that they do not keep the rest alive."""
    return PoseChunk(
        track=cut_track(poses.track, start, stop),
        joints_m=poses.joints_m[:, start:stop].copy(),
        sigma_m=poses.sigma_m[:, start:stop].copy(),
    )


def _join_hints(
    tracks: Sequence[TrackChunk],
) -> Float32[np.ndarray, "persons frames 33 3"] | None:
    if all(track.hint_m is None for track in tracks):
        return None
    return np.concatenate([_hint_or_nan(track) for track in tracks], axis=1)


def _hint_or_nan(track: TrackChunk) -> Float32[np.ndarray, "persons frames 33 3"]:
    if track.hint_m is not None:
        return track.hint_m
    return np.full((*track.confidence.shape, 3), np.nan, np.float32)
