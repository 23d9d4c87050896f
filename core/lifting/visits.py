"""One person in one window, as the lifter sees them.

A slot may be empty for a while and be filled again, perhaps by somebody else. Such visits go
through the lifter one by one: what it concludes about one body must not come from another.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32

from core.cameras import Camera
from core.chunks import TrackChunk
from core.lifting.windows import Window

NEW_VISIT_AFTER_S = 1.0
"""Who comes back after a longer absence is treated as a new visitor."""


@dataclass(frozen=True, eq=False)
class LifterInputs:
    """A batch of windows for the lifter.

    Attributes:
        rays: (pixel - image centre) / focal length; 0 where unknown.
        confidence: in [0, 1]; 0 hides a keypoint, and a frame of zeros is as if not there.
        time_s: seconds since the first frame of the window: time since the start of a long
            video would not fit into 32 bits.
        hint_m: the estimator's own 3D, metres, hip-centred; NaN where it has none.
    """

    rays: Float32[np.ndarray, "batch frames 33 2"]
    confidence: Float32[np.ndarray, "batch frames 33"]
    time_s: Float32[np.ndarray, "batch frames"]
    hint_m: Float32[np.ndarray, "batch frames 33 3"]

    def __getitem__(self, part: slice) -> "LifterInputs":
        """Some windows of the batch."""
        return LifterInputs(
            self.rays[part], self.confidence[part], self.time_s[part], self.hint_m[part]
        )


@dataclass(frozen=True, eq=False)
class Visit:
    """A person's presence in a window, without absences longer than a second.

    Attributes:
        window: where the frames lie in the video.
        person: whose slot.
        frames: the window's frames that belong to this visit.
        inputs: what the lifter sees: the whole window, with other visits hidden.
    """

    window: Window
    person: int
    frames: Bool[np.ndarray, "frames"]
    inputs: LifterInputs


def find_visits(track: TrackChunk, window: Window, camera: Camera) -> list[Visit]:
    """Every visit of everybody in a window.

    Args:
        track: the window's frames, no more and no less.
        window: where they lie in the video.
        camera: how pixels become rays.
    """
    time_s = (track.frame_time_s - track.frame_time_s[0]).astype(np.float32)
    found = []
    for person in np.flatnonzero(track.present.any(axis=1)):
        keypoints_px, confidence = track.keypoints_px[person], track.confidence[person]
        rays = camera.rays(keypoints_px)
        known = np.isfinite(rays).all(axis=-1) & (confidence > 0)
        for frames in _split(track.present[person], track):
            seen = known & frames[:, None]
            inputs = LifterInputs(
                rays=np.where(seen[..., None], rays, np.float32(0))[None],
                confidence=np.where(seen, confidence, np.float32(0))[None],
                time_s=time_s[None],
                hint_m=_hint(track, int(person), frames)[None],
            )
            found.append(Visit(window, int(person), frames, inputs))
    return found


def stack_inputs(visits: list[Visit]) -> LifterInputs:
    """One batch of at least one visit; all windows have the same length."""
    return LifterInputs(
        rays=np.concatenate([visit.inputs.rays for visit in visits]),
        confidence=np.concatenate([visit.inputs.confidence for visit in visits]),
        time_s=np.concatenate([visit.inputs.time_s for visit in visits]),
        hint_m=np.concatenate([visit.inputs.hint_m for visit in visits]),
    )


def _hint(
    track: TrackChunk, person: int, frames: Bool[np.ndarray, "frames"]
) -> Float32[np.ndarray, "frames 33 3"]:
    if track.hint_m is None:
        return np.full((*track.keypoints_px.shape[1:3], 3), np.nan, np.float32)
    return np.where(frames[:, None, None], track.hint_m[person], np.float32(np.nan))


def _split(
    present: Bool[np.ndarray, "frames"], track: TrackChunk
) -> list[Bool[np.ndarray, "frames"]]:
    """Cut presence where an absence is long. Rare frames alone (a time lapse) are no absence."""
    there = np.flatnonzero(present)
    absent_between = np.diff(there) > 1
    long_ago = np.diff(track.frame_time_s[there]) > NEW_VISIT_AFTER_S
    masks = []
    for part in np.split(there, np.flatnonzero(absent_between & long_ago) + 1):
        mask = np.zeros(len(present), np.bool_)
        mask[part] = True
        masks.append(mask)
    return masks
