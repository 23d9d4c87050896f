"""Fetching into the cache, with packages that are made up here."""

import hashlib
import threading
import time
import zipfile
from pathlib import Path

import pytest

from core.assets.cache import cached_path, is_cached
from core.assets.fetching import fetch
from core.assets.manifest import Asset, PipWheel
from core.errors import AssetCorrupt, AssetUnavailable

PACKAGE = PipWheel("toy==1.0", size_bytes=1000)
OTHER_PACKAGE = PipWheel("other==1.0", size_bytes=1000)


def asset(name, package=PACKAGE, content=None):
    content = content or name.encode()
    sha256 = hashlib.sha256(content).hexdigest()
    return Asset(name, "testing", package, f"toy/{name}", sha256, len(content), "MIT")


ONE, TWO = asset("one"), asset("two")


class Registry:
    """Downloads wheels that hold the given files; can fail, and counts."""

    def __init__(self, files=None, failures=(), seconds=0.0):
        self.files = files or {"toy/one": b"one", "toy/two": b"two"}
        self.failures = list(failures)
        self.seconds = seconds
        self.calls = []

    def __call__(self, package, folder, on_progress, *, fresh):
        self.calls.append((package.requirement, fresh))
        time.sleep(self.seconds)
        if self.failures:
            failure = self.failures.pop(0)
            if isinstance(failure, Exception):
                raise failure
            files = failure
        else:
            files = self.files
        path = Path(folder) / "toy.whl"
        with zipfile.ZipFile(path, "w") as wheel:
            for name, content in files.items():
                wheel.writestr(name, content)
        return path


def test_what_is_missing_is_fetched_once(tmp_path):
    registry = Registry()
    paths = fetch([TWO, ONE], tmp_path, download=registry)
    assert [path.read_bytes() for path in paths] == [b"two", b"one"]
    assert registry.calls == [("toy==1.0", False)]
    assert fetch([ONE, TWO], tmp_path, download=registry) == paths[::-1]
    assert len(registry.calls) == 1


def test_one_download_per_package(tmp_path):
    registry = Registry({"toy/one": b"one", "toy/two": b"two", "toy/far": b"far"})
    fetch([ONE, asset("far", OTHER_PACKAGE), TWO], tmp_path, download=registry)
    assert sorted(registry.calls) == [("other==1.0", False), ("toy==1.0", False)]


def test_a_damaged_file_is_fetched_again(tmp_path):
    registry = Registry()
    (path,) = fetch([ONE], tmp_path, download=registry)
    path.write_bytes(b"0ne")
    fetch([ONE], tmp_path, download=registry)
    assert path.read_bytes() == b"one"
    assert len(registry.calls) == 2


def test_one_failure_is_forgiven_and_the_retry_bypasses_pips_cache(tmp_path):
    for failure in (AssetUnavailable("offline"), {"toy/one": b"0ne"}, {"toy/two": b"two"}):
        registry = Registry(failures=[failure])
        (path,) = fetch([ONE], tmp_path / str(id(failure)), download=registry)
        assert path.read_bytes() == b"one"
        assert registry.calls == [("toy==1.0", False), ("toy==1.0", True)]


def test_offline_twice_says_so(tmp_path):
    registry = Registry(failures=[AssetUnavailable("offline"), AssetUnavailable("still offline")])
    with pytest.raises(AssetUnavailable, match="still offline"):
        fetch([ONE], tmp_path, download=registry)
    assert not is_cached(tmp_path, ONE)


def test_another_file_than_expected_is_never_stored(tmp_path):
    registry = Registry({"toy/one": b"evil"})
    with pytest.raises(AssetCorrupt, match=r"toy/one of toy==1\.0"):
        fetch([ONE], tmp_path, download=registry)
    assert len(registry.calls) == 2
    assert not cached_path(tmp_path, ONE).exists()


def test_a_longer_file_with_the_right_beginning_is_refused(tmp_path):
    with pytest.raises(AssetCorrupt):
        fetch([ONE], tmp_path, download=Registry({"toy/one": b"one and more"}))


def test_verified_members_survive_a_failure_of_others(tmp_path):
    with pytest.raises(AssetCorrupt):
        fetch([ONE, TWO], tmp_path, download=Registry({"toy/one": b"one", "toy/two": b"2wo"}))
    assert is_cached(tmp_path, ONE)
    registry = Registry({"toy/two": b"two"})
    fetch([ONE, TWO], tmp_path, download=registry)
    assert len(registry.calls) == 1


def test_side_by_side_only_one_downloads_and_the_others_wait(tmp_path):
    registry = Registry(seconds=0.7)
    waited = []
    threads = [
        threading.Thread(
            target=fetch, args=([ONE], tmp_path, waited.append), kwargs={"download": registry}
        )
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(registry.calls) == 1
    assert is_cached(tmp_path, ONE)
    assert {progress.label for progress in waited} == {"waiting for another process"}


def test_leftovers_of_a_killed_process_are_swept(tmp_path):
    leftover = tmp_path / "fetch-abc"
    leftover.mkdir()
    (leftover / "half.whl").write_bytes(b"...")
    partial = tmp_path / "assets" / ".one.4711.partial"
    partial.parent.mkdir()
    partial.write_bytes(b"o")
    fetch([ONE], tmp_path, download=Registry())
    assert not leftover.exists()
    assert not partial.exists()


def test_a_cache_that_cannot_be_written_is_explained(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(AssetUnavailable, match="cannot be written"):
        fetch([ONE], tmp_path / "file" / "cache", download=Registry())
