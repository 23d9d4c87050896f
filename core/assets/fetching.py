"""Brings missing assets into the cache: one process at a time, every file verified."""

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

from filelock import FileLock, Timeout

from core.assets.cache import cached_path, is_cached, store
from core.assets.manifest import ASSETS, Asset, Package
from core.assets.packages import FetchProgress, OnProgress, download, no_progress, read_member
from core.errors import AssetCorrupt, AssetUnavailable

Download = Callable[..., Path]
"""As :func:`core.assets.packages.download`."""

_ATTEMPTS = 2
_WAIT_S = 0.5
_FETCH_FOLDER_PREFIX = "fetch-"


def fetch(
    assets: Iterable[Asset],
    cache_folder: Path,
    on_progress: OnProgress = no_progress,
    *,
    download: Download = download,
) -> list[Path]:
    """Make sure that assets are in the cache, fetching only what is missing or damaged.

    Another process that fetches into the same folder is waited for. Files are stored one by one as
    they are verified, so that a later call goes on from what an interrupted one has left.

    Args:
        assets: what is wanted.
        cache_folder: created if need be.
        on_progress: told about downloads.
        download: how to get a package; for tests.

    Returns:
        Paths in the cache, in the order of ``assets``.

    Raises:
        AssetUnavailable: offline, pip or npm failed twice, or the cache cannot be written.
        AssetCorrupt: the package holds another file than the manifest describes.
    """
    wanted = list(assets)
    if not all(is_cached(cache_folder, asset) for asset in wanted):
        with exclusive(cache_folder, on_progress):
            # Looked at again under the lock: the process we waited for may have fetched them.
            missing = [asset for asset in wanted if not is_cached(cache_folder, asset)]
            missing.sort(key=lambda asset: asset.package.requirement)
            for _, group in groupby(missing, key=lambda asset: asset.package.requirement):
                _fetch_from_package(_with_companions(group), cache_folder, on_progress, download)
    return [cached_path(cache_folder, asset) for asset in wanted]


@contextmanager
def exclusive(cache_folder: Path, on_progress: OnProgress = no_progress) -> Iterator[None]:
    """Be the only process that changes the cache; waits for its turn.

    Raises:
        AssetUnavailable: the cache folder cannot be written.
    """
    try:
        cache_folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(cache_folder / ".lock")
        while True:
            try:
                lock.acquire(timeout=_WAIT_S)
                break
            except Timeout:
                on_progress(FetchProgress("waiting for another process", 0, None))
    except OSError as error:
        raise _not_writable(cache_folder, error) from error
    try:
        _sweep(cache_folder)
        yield
    except OSError as error:
        raise _not_writable(cache_folder, error) from error
    finally:
        lock.release()


def _with_companions(missing: Iterable[Asset]) -> list[Asset]:
    """Whatever else we know in the package is kept too: the download is what takes long."""
    wanted = list(missing)
    package = wanted[0].package
    return wanted + [each for each in ASSETS if each.package == package and each not in wanted]


def _fetch_from_package(
    assets: list[Asset], cache_folder: Path, on_progress: OnProgress, download: Download
) -> None:
    package = assets[0].package
    for attempt in range(_ATTEMPTS):
        try:
            _unpack(assets, package, cache_folder, on_progress, download, fresh=attempt > 0)
            return
        except (AssetUnavailable, AssetCorrupt):
            if attempt == _ATTEMPTS - 1:
                raise
            assets = [asset for asset in assets if not is_cached(cache_folder, asset)]


def _unpack(
    assets: list[Asset],
    package: Package,
    cache_folder: Path,
    on_progress: OnProgress,
    download: Download,
    *,
    fresh: bool,
) -> None:
    """Download one package and store those of its files that are wanted."""
    with tempfile.TemporaryDirectory(dir=cache_folder, prefix=_FETCH_FOLDER_PREFIX) as folder:
        archive = download(package, Path(folder), on_progress, fresh=fresh)
        for asset in assets:
            content = read_member(archive, asset.member, asset.size_bytes)
            actual = hashlib.sha256(content).hexdigest()
            if actual != asset.sha256:
                raise AssetCorrupt(
                    f"{asset.member} of {package.requirement} is not the file we know: its SHA-256 "
                    f"starts with {actual[:12]} instead of {asset.sha256[:12]}. Is "
                    f"{package.tool} set to a mirror that serves other packages?"
                )
            store(cached_path(cache_folder, asset), content)


def _sweep(cache_folder: Path) -> None:
    """Remove what a killed process left behind; safe, because we hold the lock."""
    for leftover in cache_folder.glob(f"{_FETCH_FOLDER_PREFIX}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    for leftover in cache_folder.glob("*/.*.partial"):
        leftover.unlink(missing_ok=True)


def _not_writable(cache_folder: Path, error: OSError) -> AssetUnavailable:
    reason = error.strerror or type(error).__name__
    return AssetUnavailable(
        f"The cache folder {cache_folder} cannot be written ({reason}): free some space, fix its "
        f"permissions, or choose another folder."
    )
