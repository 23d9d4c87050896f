"""Blobs as plain files in one folder."""

import errno
import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import file_digest
from pathlib import Path
from typing import BinaryIO

from core.contracts import BlobFacts
from core.errors import BlobMissing
from core.store.blobs import PIECE_BYTES, BlobWriter, Pieces, no_room
from core.store.disk_errors import disk_errors
from core.store.partial_files import PartialFiles
from core.store.preallocation import set_aside
from core.store.writeback import begin_writeback, let_go

_WRITEBACK_BYTES = 8 << 20
"""So much of a file goes to the disk at once; the rest waits for the file's end."""
_UNDER_WAY_BYTES = 2 * _WRITEBACK_BYTES
"""So much is given time to get there; what is older is let go of from memory."""


class DiskBlobs:
    """A :class:`core.store.blobs.BlobStore` in a folder that server and workers both see.

    It opens on a disk that is read-only or missing too, and works once that is mended.

    Args:
        root: made when it is needed; readable by the owner only.
        reserve_bytes: how much of the disk is left free for everybody else.
    """

    def __init__(self, root: Path, *, reserve_bytes: int = 256 << 20) -> None:
        self._root = root
        self._partial = PartialFiles(root / "partial")
        self._reserve_bytes = reserve_bytes
        self._reserving = threading.Lock()

    @contextmanager
    def open_writer(self, key: str, *, limit_bytes: int | None = None) -> Iterator[BlobWriter]:
        with self._partial.new() as (path, file):
            yield (writer := _DiskWriter(file, limit_bytes))
            self._finish(path, file, key, writer)

    @contextmanager
    def open_upload(
        self, key: str, *, limit_bytes: int, announced_bytes: int
    ) -> Iterator[BlobWriter]:
        with self._partial.new() as (path, file):
            kept_bytes = announced_bytes if self._keep_room(file, announced_bytes) else 0
            yield (writer := _UploadWriter(file, limit_bytes, kept_bytes, self))
            self._finish(path, file, key, writer)

    def put_file(self, key: str, path: Path) -> BlobFacts:
        with disk_errors():
            facts = _measure(path)
            # Within one file system nothing is copied; a result is spooled next to its place.
            if self._move(path, key):
                return facts
        with self.open_writer(key) as writer:
            _copy(path, writer)
        return facts

    def put_bytes(self, key: str, content: bytes) -> BlobFacts:
        with self.open_writer(key) as writer:
            writer.write(content)
        return writer.facts

    def exists(self, key: str) -> bool:
        with disk_errors():
            return self._path(key).exists()

    def read(self, key: str, start: int = 0, stop: int | None = None) -> Pieces:
        # Opened now, not at the first piece: the caller learns at once that the blob is gone, and
        # once it is open a delete does not take it away.
        file = self._open(key)
        left = max(0, (os.fstat(file.fileno()).st_size if stop is None else stop) - start)
        file.seek(start)
        return _Pieces(file, left)

    @contextmanager
    def local_path(self, key: str) -> Iterator[Path]:
        if not self.exists(key):
            raise BlobMissing(_GONE)
        yield self._path(key)

    def delete(self, key: str) -> None:
        path = self._path(key)
        with disk_errors():
            path.unlink(missing_ok=True)
        with suppress(OSError):  # the last attempt's or chunk's folder goes with it
            if path.parent.parent != self._root:
                path.parent.rmdir()

    def delete_under(self, prefix: str) -> None:
        # Not rmtree: it stops at the first file that somebody else removes at the same time.
        with disk_errors():
            for folder, _, names in os.walk(self._path(prefix), topdown=False):
                for name in names:
                    Path(folder, name).unlink(missing_ok=True)
                with suppress(OSError):  # gone already, or somebody has just put a file there
                    Path(folder).rmdir()

    def keys_under(self, prefix: str, older_than_s: float) -> Iterator[str]:
        written_before = time.time() - older_than_s
        # Unlike Path.rglob, os.walk does not mind folders that others remove meanwhile.
        for folder, _, names in os.walk(self._path(prefix)):
            for path in (Path(folder, name) for name in names):
                with suppress(FileNotFoundError):
                    if path.stat().st_mtime <= written_before:
                        yield path.relative_to(self._root).as_posix()

    def has_room(self, size_bytes: int) -> bool:
        with disk_errors():
            self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
            return shutil.disk_usage(self._root).free - size_bytes >= self._reserve_bytes

    def sweep_partial(self, older_than_s: float) -> int:
        return self._partial.sweep(older_than_s)

    def _keep_room(self, file: BinaryIO, size_bytes: int) -> bool:
        """Whether room could be set aside: if not, it is looked after with every piece."""
        with self._reserving:  # of two that begin together one should fit, not none
            if not self.has_room(size_bytes):
                raise no_room()
            with disk_errors():
                kept = set_aside(file.fileno(), size_bytes)
            if kept and not self.has_room(0):  # another process was faster
                raise no_room()
        return kept

    def _path(self, key: str) -> Path:
        return self._root / key

    def _open(self, key: str) -> BinaryIO:
        with disk_errors():
            try:
                return self._path(key).open("rb")
            except FileNotFoundError:
                raise BlobMissing(_GONE) from None

    def _finish(self, path: Path, file: BinaryIO, key: str, writer: BlobWriter) -> None:
        with disk_errors():
            os.ftruncate(file.fileno(), writer.facts.size_bytes)  # gives back what was not needed
            os.fsync(file.fileno())  # a full disk may only show now
            self._move(path, key)

    def _move(self, path: Path, key: str) -> bool:
        """Put a synced file in its place; false if that is on another file system."""
        target = self._path(key)
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            path.replace(target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            return False
        _sync_folder(target.parent)
        return True


class _DiskWriter(BlobWriter):
    def __init__(self, file: BinaryIO, limit_bytes: int | None) -> None:
        super().__init__(limit_bytes)
        self._file = file
        self._begun_bytes = 0
        self._let_go_bytes = 0

    def _append(self, piece: bytes) -> None:
        rest = memoryview(piece)
        with disk_errors():
            while rest:  # an unbuffered write may be short
                rest = rest[self._file.write(rest) or 0 :]
            self._pass_on(self._size_bytes + len(piece))

    def _pass_on(self, size_bytes: int) -> None:
        waiting_bytes = size_bytes - self._begun_bytes
        if waiting_bytes < _WRITEBACK_BYTES:
            return
        begin_writeback(self._file.fileno(), self._begun_bytes, waiting_bytes)
        self._begun_bytes = size_bytes
        old_bytes = size_bytes - _UNDER_WAY_BYTES - self._let_go_bytes
        if old_bytes > 0:
            let_go(self._file.fileno(), self._let_go_bytes, old_bytes)
            self._let_go_bytes += old_bytes


class _UploadWriter(_DiskWriter):
    def __init__(self, file: BinaryIO, limit_bytes: int, kept_bytes: int, blobs: DiskBlobs) -> None:
        super().__init__(file, limit_bytes)
        self._kept_bytes = kept_bytes
        self._blobs = blobs

    def _append(self, piece: bytes) -> None:
        beyond_bytes = self._size_bytes + len(piece) - self._kept_bytes
        if beyond_bytes > 0 and not self._blobs.has_room(min(beyond_bytes, len(piece))):
            raise no_room()
        super()._append(piece)


_GONE = "The stored file is gone; it may have expired while the request was under way."


def _measure(path: Path) -> BlobFacts:
    with path.open("rb") as file:
        os.fsync(file.fileno())
        digest = file_digest(file, "sha256").hexdigest()
        return BlobFacts(size_bytes=file.tell(), sha256=digest)


def _copy(path: Path, writer: BlobWriter) -> None:
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            writer.write(piece)


class _Pieces(Iterator[bytes]):
    """Some of a file. Not a generator: one that was never started closes nothing."""

    def __init__(self, file: BinaryIO, left: int) -> None:
        self._file = file
        self._left = left

    def __next__(self) -> bytes:
        piece = self._file.read(min(PIECE_BYTES, self._left)) if self._left > 0 else b""
        if not piece:
            self._left = 0
            self._file.close()
            raise StopIteration
        self._left -= len(piece)
        return piece

    def close(self) -> None:
        self._file.close()


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)  # else the name may be lost in a power cut, though its bytes are not
    finally:
        os.close(handle)
