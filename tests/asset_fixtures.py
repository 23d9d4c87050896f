"""Model files and the demo clip for tests that need the real thing; fetched once and cached."""

import os
from pathlib import Path

import pytest

from core.assets.bundle import pose_bundle
from core.assets.cache import default_cache_folder
from core.assets.fetching import fetch
from core.assets.manifest import DEMO_CLIP
from core.contracts import PoseModel
from core.errors import AssetUnavailable


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
