"""Blobs as plain files in one folder."""

import errno
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import file_digest
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from core.contracts import BlobFacts
from core.errors import BlobMissing, StorageFull, StorageUnavailable
from core.store.blobs import PIECE_BYTES, BlobWriter

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class DiskBlobs:
    """A :class:`core.store.blobs.BlobStore` in a folder that server and workers both see.

    Args:
        root: made if missing; readable by the owner only.
        reserve_bytes: how much of the disk is left free for everybody else.
    """

    def __init__(self, root: Path, *, reserve_bytes: int = 256 << 20) -> None:
        self._root = root
        self._partial = root / "partial"
        self._reserve_bytes = reserve_bytes
        with _disk_errors():
            self._partial.mkdir(parents=True, exist_ok=True, mode=0o700)

    @contextmanager
    def open_writer(self, key: str, *, limit_bytes: int | None = None) -> Iterator[BlobWriter]:
        part = self._partial / uuid4().hex
        try:
            with _disk_errors():
                self._partial.mkdir(parents=True, exist_ok=True, mode=0o700)
                file = part.open("xb", buffering=0)
            with file:
                writer = _DiskWriter(file, limit_bytes)
                yield writer
                with _disk_errors():
                    os.fsync(file.fileno())
            self._publish(part, key)
        finally:
            part.unlink(missing_ok=True)

    def put_file(self, key: str, path: Path) -> BlobFacts:
        facts = _measure(path)
        try:
            # Within one file system nothing is copied; a result is spooled next to its place.
            with _disk_errors(), path.open("rb") as file:
                os.fsync(file.fileno())  # a full disk may only show now
            self._publish(path, key)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            with self.open_writer(key) as writer:
                _copy(path, writer)
        return facts

    def put_bytes(self, key: str, content: bytes) -> BlobFacts:
        with self.open_writer(key) as writer:
            writer.write(content)
        return writer.facts

    def exists(self, key: str) -> bool:
        return self._path(key).exists()

    def read(self, key: str, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        # Opened now, not at the first piece: the caller learns at once that the blob is gone.
        file = self._open(key)
        left = max(0, (os.fstat(file.fileno()).st_size if stop is None else stop) - start)
        file.seek(start)
        return _pieces(file, left)

    @contextmanager
    def local_path(self, key: str) -> Iterator[Path]:
        path = self._path(key)
        if not path.exists():
            raise BlobMissing(_GONE)
        yield path

    def delete(self, key: str) -> None:
        path = self._path(key)
        with _disk_errors():
            path.unlink(missing_ok=True)
        with suppress(OSError):  # the last attempt's or chunk's folder goes with it
            if path.parent.parent != self._root:
                path.parent.rmdir()

    def delete_under(self, prefix: str) -> None:
        with _disk_errors(), suppress(FileNotFoundError):
            shutil.rmtree(self._path(prefix))

    def keys_under(self, prefix: str, older_than_s: float) -> Iterator[str]:
        written_before = time.time() - older_than_s
        # Unlike Path.rglob, os.walk does not mind folders that others remove meanwhile.
        for folder, _, names in os.walk(self._path(prefix)):
            for path in (Path(folder, name) for name in names):
                with suppress(FileNotFoundError):
                    if path.stat().st_mtime <= written_before:
                        yield path.relative_to(self._root).as_posix()

    def has_room(self, size_bytes: int) -> bool:
        with _disk_errors():
            return shutil.disk_usage(self._root).free - size_bytes >= self._reserve_bytes

    def sweep_partial(self, older_than_s: float) -> int:
        swept = 0
        for part in self._partial.iterdir() if self._partial.exists() else ():
            with suppress(FileNotFoundError):
                if time.time() - part.stat().st_mtime >= older_than_s:
                    part.unlink()
                    swept += 1
        return swept

    def _path(self, key: str) -> Path:
        return self._root / key

    def _open(self, key: str) -> BinaryIO:
        try:
            return self._path(key).open("rb")
        except FileNotFoundError:
            raise BlobMissing(_GONE) from None

    def _publish(self, part: Path, key: str) -> None:
        path = self._path(key)
        with _disk_errors():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            part.replace(path)
            _sync_folder(path.parent)


class _DiskWriter(BlobWriter):
    def __init__(self, file: BinaryIO, limit_bytes: int | None) -> None:
        super().__init__(limit_bytes)
        self._file = file

    def _append(self, piece: bytes) -> None:
        rest = memoryview(piece)
        with _disk_errors():
            while rest:  # an unbuffered write may be short
                rest = rest[self._file.write(rest) or 0 :]


_GONE = "The stored file is gone; it may have expired while the request was under way."


@contextmanager
def _disk_errors() -> Iterator[None]:
    """A full disk is ``StorageFull``; a read-only or missing one is ``StorageUnavailable``."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFull("The disk is full. Try again once results have expired.") from error
        if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ENOENT):
            raise StorageUnavailable("The data folder cannot be written to just now.") from error
        raise


def _measure(path: Path) -> BlobFacts:
    with path.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
        return BlobFacts(size_bytes=file.tell(), sha256=digest)


def _copy(path: Path, writer: BlobWriter) -> None:
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            writer.write(piece)


def _pieces(file: BinaryIO, left: int) -> Iterator[bytes]:
    with file:
        while left > 0 and (piece := file.read(min(PIECE_BYTES, left))):
            left -= len(piece)
            yield piece


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)  # else the name may be lost in a power cut, though its bytes are not
    finally:
        os.close(handle)
