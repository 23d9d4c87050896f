"""The real networks, and pictures of one person."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from core.keypoints.blazepose.networks import PoseNetworks
from core.video.frames import Frame
from core.video.stream import probe, stream_frames

SHARED_VIDEOS = Path(__file__).parents[5] / "shared" / "videos"


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def networks(full_bundle: Path) -> PoseNetworks:
    return PoseNetworks.load(full_bundle, torch.device("cpu"), batch=3)


@pytest.fixture(scope="session")
def man(demo_frames: list[Frame]) -> list[Frame]:
    """The gesturing man of the demo clip, alone in the picture."""
    return [
        Frame(frame.index, frame.time_s, np.ascontiguousarray(frame.rgb[:260, 200:460]))
        for frame in demo_frames[33:60]
    ]


@pytest.fixture(scope="session")
def dancer() -> list[Frame]:
    """The beginning of a real clip at 30 frames a second, 576 x 576."""
    clip = SHARED_VIDEOS / "square_30fps.mp4"
    if not clip.is_file():
        pytest.skip("needs the shared videos")
    frames = stream_frames(clip, probe(clip))
    return [frame for frame, _ in zip(frames, range(41), strict=False)]
