"""Bundles for MediaPipe Tasks: ours, and the user's own."""

import shutil
import zipfile

import pytest

from core.assets.bundle import DETECTOR_MEMBER, LANDMARKS_MEMBER, assemble, own_bundle, pose_bundle
from core.assets.cache import cached_path
from core.assets.manifest import pose_assets
from core.contracts import PoseModel
from core.errors import AssetCorrupt, AssetUnavailable

DETECTOR, LANDMARKS = b"\x1c\0\0\0TFL3 detector", b"\x1c\0\0\0TFL3 landmarks" * 100


@pytest.mark.assets
def test_a_bundle_is_assembled_once_and_again_if_it_is_damaged(full_bundle, asset_cache, tmp_path):
    for asset in pose_assets(PoseModel.FULL):
        path = cached_path(tmp_path, asset)
        path.parent.mkdir(exist_ok=True)
        shutil.copy(cached_path(asset_cache, asset), path)
    bundle = pose_bundle(tmp_path, PoseModel.FULL)
    assert bundle.read_bytes() == full_bundle.read_bytes()
    made_at = bundle.stat().st_mtime_ns

    assert pose_bundle(tmp_path, PoseModel.FULL).stat().st_mtime_ns == made_at
    bundle.write_bytes(bundle.read_bytes()[:-100])
    assert pose_bundle(tmp_path, PoseModel.FULL).read_bytes() == full_bundle.read_bytes()


@pytest.mark.assets
def test_our_own_bundle_passes_as_the_users(full_bundle):
    assert own_bundle(full_bundle) == full_bundle


def test_networks_lie_in_the_bundle_uncompressed_and_aligned(tmp_path):
    path = tmp_path / "pose.task"
    content = assemble(DETECTOR, LANDMARKS)
    path.write_bytes(content)
    assert content.index(DETECTOR) % 64 == 0
    assert content.index(LANDMARKS) % 64 == 0
    with zipfile.ZipFile(path) as bundle:
        assert bundle.testzip() is None
        assert bundle.read(DETECTOR_MEMBER) == DETECTOR
        assert bundle.read(LANDMARKS_MEMBER) == LANDMARKS
    assert own_bundle(path) == path


def test_the_same_networks_make_the_same_bytes():
    assert assemble(DETECTOR, LANDMARKS) == assemble(DETECTOR, LANDMARKS)


def test_a_missing_file_of_the_user_is_named(tmp_path):
    with pytest.raises(AssetUnavailable, match=r"mine\.task"):
        own_bundle(tmp_path / "mine.task")


@pytest.mark.parametrize(
    ("members", "words"),
    [
        (None, "not a readable"),
        ({}, "holds no"),
        ({DETECTOR_MEMBER: DETECTOR}, "holds no"),
        ({DETECTOR_MEMBER: DETECTOR, LANDMARKS_MEMBER: b"text"}, "not a TensorFlow Lite"),
    ],
    ids=["no zip", "empty", "half", "no network"],
)
def test_what_is_no_bundle_is_refused_in_words(tmp_path, members, words):
    path = tmp_path / "mine.task"
    path.write_bytes(b"no zip at all")
    if members is not None:
        with zipfile.ZipFile(path, "w") as bundle:
            for name, content in members.items():
                bundle.writestr(name, content)
    with pytest.raises(AssetCorrupt, match=words):
        own_bundle(path)
