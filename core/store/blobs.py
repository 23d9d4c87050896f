"""Files that server and worker share: uploads, results and finished frames."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager
from hashlib import sha256
from pathlib import Path
from typing import Protocol, runtime_checkable

from core.contracts import BlobFacts
from core.errors import StorageFull, UploadTooLarge

PIECE_BYTES = 1 << 20
"""Blobs are read, written and kept in pieces of at most this."""


class BlobWriter(ABC):
    """Counts and hashes what it is given, and stops at the limit instead of after it."""

    def __init__(self, limit_bytes: int | None) -> None:
        self._limit_bytes = limit_bytes
        self._size_bytes = 0
        self._hash = sha256()

    @property
    def facts(self) -> BlobFacts:
        """Size and hash of what was written so far."""
        return BlobFacts(size_bytes=self._size_bytes, sha256=self._hash.hexdigest())

    def write(self, piece: bytes) -> None:
        """Append. Blocking; call it from a thread, with a good megabyte at a time.

        Raises:
            UploadTooLarge: the limit would be passed; nothing of this piece was written.
            StorageFull: there is no room for it.
        """
        self.keep(piece)
        self.hash(piece)

    def keep(self, piece: bytes) -> None:
        """One half of ``write``. The other may run beside it, in another thread.

        Raises:
            UploadTooLarge: as for ``write``; likewise ``StorageFull``.
        """
        size_bytes = self._size_bytes + len(piece)
        if self._limit_bytes is not None and size_bytes > self._limit_bytes:
            raise too_large(self._limit_bytes)
        self._append(piece)
        self._size_bytes = size_bytes

    def hash(self, piece: bytes) -> None:
        """The other half: for the same pieces, in the same order."""
        self._hash.update(piece)

    @abstractmethod
    def _append(self, piece: bytes) -> None: ...


@runtime_checkable
class Pieces(Iterator[bytes], Protocol):
    """Some of a blob, piece by piece; close it if not all of it is read."""

    def close(self) -> None: ...


@runtime_checkable
class BlobStore(Protocol):
    """Blobs by key. Keys come from :mod:`core.store.keys` only, never from a user."""

    def open_writer(
        self, key: str, *, limit_bytes: int | None = None
    ) -> AbstractContextManager[BlobWriter]:
        """Write a blob as it arrives; it appears whole on a clean exit, else leaves nothing."""
        ...

    def open_upload(
        self, key: str, *, limit_bytes: int, announced_bytes: int
    ) -> AbstractContextManager[BlobWriter]:
        """As ``open_writer``, for what comes from outside: it must leave the store's reserve.

        Args:
            key: the blob's.
            limit_bytes: how long it may be.
            announced_bytes: how long it will be as far as is known; room for this is set aside
                before the first byte, 0 if nothing is known. Further bytes are taken as long as
                there is room.

        Raises:
            StorageFull: there is no room, counting what was set aside for others under way.
        """
        ...

    def put_file(self, key: str, path: Path) -> BlobFacts:
        """Store a finished file; it may be moved away from ``path``."""
        ...

    def put_bytes(self, key: str, content: bytes) -> BlobFacts:
        """Store something small."""
        ...

    def exists(self, key: str) -> bool: ...

    def read(self, key: str, start: int = 0, stop: int | None = None) -> Pieces:
        """Bytes ``[start, stop)`` piece by piece; a download under way outlives a delete.

        Raises:
            BlobMissing: there is no such blob.
        """
        ...

    def local_path(self, key: str) -> AbstractContextManager[Path]:
        """The blob as a file that other code may open for reading, while the context lasts.

        Raises:
            BlobMissing: there is no such blob.
        """
        ...

    def delete(self, key: str) -> None:
        """Remove one blob; it may be gone already."""
        ...

    def delete_under(self, prefix: str) -> None:
        """Remove every blob whose key is ``prefix/`` and one more part: all of a job's results."""
        ...

    def keys_under(self, prefix: str, older_than_s: float) -> Iterator[str]:
        """Keys that begin with ``prefix/``, of blobs written that long ago and ended by nobody."""
        ...

    def has_room(self, size_bytes: int) -> bool:
        """Whether that much more would fit, with the store's reserve left over."""
        ...

    def sweep_partial(self, older_than_s: float) -> int:
        """Remove what writers left that died at least so long ago; how many there were."""
        ...


def no_room() -> StorageFull:
    """The refusal of an upload that would not fit, in words."""
    return StorageFull("There is no room for this upload. Try again once results have expired.")


def too_large(limit_bytes: int) -> UploadTooLarge:
    """The refusal of anything over the limit, in words."""
    return UploadTooLarge(
        f"The upload is larger than the {_in_words(limit_bytes)} accepted here. "
        "Cut the video, or encode it smaller."
    )


def _in_words(size_bytes: int) -> str:
    size, units = float(size_bytes), ["bytes", "KiB", "MiB", "GiB"]
    while size >= 1024 and len(units) > 1:
        size, units = size / 1024, units[1:]
    return f"{size:g} {units[0]}" if size == int(size) else f"{size:.1f} {units[0]}"
