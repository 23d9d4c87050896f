"""Model files and the demo clip for tests that need the real thing; fetched once and cached."""

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from core.assets.bundle import pose_bundle
from core.assets.cache import default_cache_folder
from core.assets.fetching import fetch
from core.assets.manifest import DEMO_CLIP
from core.contracts import PoseModel
from core.errors import AssetUnavailable
from core.video.stream import Frame, probe, stream_frames

DEMO_FRAMES = 170


@pytest.fixture(scope="session")
def asset_cache() -> Path:
    chosen = os.environ.get("POSELIFT_CACHE_DIR")
    return Path(chosen) if chosen else default_cache_folder()


@pytest.fixture(scope="session")
def full_bundle(asset_cache: Path) -> Path:
    try:
        return pose_bundle(asset_cache, PoseModel.FULL)
    except AssetUnavailable as error:
        pytest.skip(f"no pose model: {error.detail}")


@pytest.fixture(scope="session")
def demo_clip(asset_cache: Path) -> Path:
    try:
        return fetch([DEMO_CLIP], asset_cache)[0]
    except AssetUnavailable as error:
        pytest.skip(f"no demo clip: {error.detail}")


@pytest.fixture(scope="session")
def demo_frames(demo_clip: Path) -> list[Frame]:
    """The first seconds of the demo clip at half size, which is all that the networks see.

    A man stands and gestures on a small building around x = 320 px; from frame 60 a woman walks
    below him from right to left.
    """

    def halved() -> Iterator[Frame]:
        for frame in islice(stream_frames(demo_clip, probe(demo_clip)), DEMO_FRAMES):
            yield Frame(frame.index, frame.time_s, np.ascontiguousarray(frame.rgb[::2, ::2]))

    return list(halved())
