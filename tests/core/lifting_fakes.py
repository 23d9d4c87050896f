"""Stand-ins for the two networks, that follow their rules: a known person in, a known pose out."""

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from core.cameras import Camera
from core.chunks import PoseChunk, TrackChunk
from core.keypoints.protocol import Detection
from core.skeleton import BODY
from core.video.frames import Frame

SIGMA_M = 0.03


class FakeEstimator:
    """Sees whom ``people`` says; counts what it was asked, and whether it was closed."""

    def __init__(self, people: Callable[[Frame], Sequence[Detection]]) -> None:
        self._people = people
        self.asked: list[int] = []
        self.opened = self.closed = 0

    def estimate(self, frame: Frame) -> Sequence[Detection]:
        self.asked.append(frame.index)
        return self._people(frame)

    def __enter__(self) -> "FakeEstimator":
        self.opened += 1
        return self

    def __exit__(self, *_: object) -> None:
        self.closed += 1


def fake_lift(
    chunks: Iterable[TrackChunk], *, camera: Camera, is_alone: Callable[[], bool]
) -> Iterator[PoseChunk]:
    """Joint k is keypoint k in shares of the picture, one metre away; the pelvis is the origin."""
    for chunk in chunks:
        joints_m = np.ones((*chunk.observed.shape, len(BODY), 3), np.float32)
        size = np.array([camera.width_px, camera.height_px], np.float32)
        joints_m[..., :2] = np.nan_to_num(chunk.keypoints_px[:, :, : len(BODY)]) / size
        joints_m -= joints_m[:, :, [BODY.root]]
        sigma_m = np.full(joints_m.shape[:3], SIGMA_M, np.float32)
        joints_m[~chunk.present], sigma_m[~chunk.present] = np.nan, np.nan
        yield PoseChunk(chunk, joints_m, sigma_m)
