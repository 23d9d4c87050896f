"""The table of assets keeps its promises."""

import re

from core.assets.manifest import ASSETS, NpmPackage, PipWheel, pose_assets
from core.contracts import PoseModel


def test_every_asset_is_pinned_to_a_version_and_a_hash():
    for asset in ASSETS:
        assert re.fullmatch(r"[0-9a-f]{64}", asset.sha256)
        pin = {PipWheel: r"[\w-]+==[\d.]+", NpmPackage: r"@[\w/-]+@[\d.]+"}[type(asset.package)]
        assert re.fullmatch(pin, asset.package.requirement)
        assert 0 < asset.size_bytes < 100e6
        assert asset.licence in ("Apache-2.0", "BSD-3-Clause")


def test_names_are_unique_because_they_are_file_names():
    names = [asset.name for asset in ASSETS]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[\w.]+", name) for name in names)


def test_the_default_model_needs_only_pip():
    assert all(isinstance(asset.package, PipWheel) for asset in pose_assets(PoseModel.FULL))


def test_every_pose_model_has_a_detector_and_its_own_landmark_network():
    detectors, networks = zip(*(pose_assets(model) for model in PoseModel), strict=True)
    assert len(set(detectors)) == 1
    assert len({network.sha256 for network in networks}) == len(PoseModel)
