"""The frames that are not finished yet: some wait for their window, some for the next to blend."""

import numpy as np
from jaxtyping import Float32

from core.chunks import PoseChunk, TrackChunk
from core.lifting.visits import Visit
from core.lifting.windows import Window, blend
from core.runs import cut_track, join_tracks
from core.skeleton import BODY


class GrowingPoses:
    """A run of frames that grows at its end and is given out at its start.

    Frames are addressed by their number among all used frames of the video.
    """

    def __init__(self) -> None:
        self._track: TrackChunk | None = None
        self._joints_m = np.empty((0, 0, len(BODY), 3), np.float32)
        self._sigma_m = np.empty((0, 0, len(BODY)), np.float32)
        self._first = 0  # number of the first frame held
        self._settled = 0  # number of the first frame not given out

    @property
    def stop(self) -> int:
        """How many frames have come so far."""
        return self._first + self._sigma_m.shape[1]

    @property
    def unsettled(self) -> int:
        """How many frames have come and not been given out."""
        return self.stop - self._settled

    @property
    def persons(self) -> int:
        """How many slots for people."""
        return self._sigma_m.shape[0]

    def append(self, chunk: TrackChunk) -> None:
        """Frames that follow those already here."""
        joints_m = np.full((chunk.persons, len(chunk), len(BODY), 3), np.nan, np.float32)
        sigma_m = joints_m[..., 0].copy()
        if self._track is None:
            self._track, self._joints_m, self._sigma_m = chunk, joints_m, sigma_m
            return
        self._track = join_tracks([self._track, chunk])
        self._joints_m = np.concatenate([self._joints_m, joints_m], axis=1)
        self._sigma_m = np.concatenate([self._sigma_m, sigma_m], axis=1)

    def track(self, window: Window) -> TrackChunk:
        """The window's frames."""
        frames = self._here(window.start, window.stop)
        return cut_track(self._known(), frames.start, frames.stop)

    def blend(
        self,
        visit: Visit,
        joints_m: Float32[np.ndarray, "frames 28 3"],
        sigma_m: Float32[np.ndarray, "frames 28"],
    ) -> None:
        """What the lifter said about a visit; about other frames it said nothing of meaning."""
        frames = self._here(visit.window.start, visit.window.stop)
        silent = ~visit.frames
        joints_m, sigma_m = joints_m.copy(), sigma_m.copy()
        joints_m[silent], sigma_m[silent] = np.nan, np.nan
        blend(self._joints_m[visit.person, frames], joints_m, visit.window)
        blend(self._sigma_m[visit.person, frames], sigma_m, visit.window)

    def settle(self, until: int, *, keep_from: int) -> PoseChunk:
        """Give out the frames before ``until``; forget those before ``keep_from``."""
        known, frames = self._known(), self._here(self._settled, until)
        poses = PoseChunk(
            cut_track(known, frames.start, frames.stop),
            self._joints_m[:, frames].copy(),
            self._sigma_m[:, frames].copy(),
        )
        kept = self._here(keep_from, self.stop)
        self._track = cut_track(known, kept.start, kept.stop)
        self._joints_m = self._joints_m[:, kept].copy()
        self._sigma_m = self._sigma_m[:, kept].copy()
        self._first, self._settled = keep_from, until
        return poses

    def _here(self, start: int, stop: int) -> slice:
        return slice(start - self._first, stop - self._first)

    def _known(self) -> TrackChunk:
        if self._track is None:
            raise ValueError("no frames have come yet")
        return self._track
