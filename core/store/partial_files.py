"""Files that are still being written: nobody sees them, and those of dead writers are removed."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from core.store.disk_errors import disk_errors

PARTIAL_AGE_S = 600.0
"""A living writer holds a lock and writes far more often; both count, as a shared folder may know
no locks between machines."""


class PartialFiles:
    """A folder of files under way, each locked by whoever writes it.

    The lock ends with its process, kill -9 included. So a file without one was left behind.

    Args:
        folder: made when it is needed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def new(self) -> Iterator[tuple[Path, BinaryIO]]:
        """A new file to write and then move to its place; it is gone if it was not moved."""
        path = self._folder / uuid4().hex
        try:
            with disk_errors():
                self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                file = path.open("xb", buffering=0)
            with file:
                _lock(file)
                yield path, file
        finally:
            # A disk that failed meanwhile may refuse even this: then it is swept later.
            with suppress(OSError):
                path.unlink(missing_ok=True)

    def sweep(self, older_than_s: float) -> int:
        """Remove what dead writers left; how many there were.

        Args:
            older_than_s: files that were written to since then are left alone.
        """
        with disk_errors():
            paths = list(self._folder.iterdir()) if self._folder.exists() else []
        return sum(_remove_if_dead(path, older_than_s) for path in paths)


def _remove_if_dead(path: Path, older_than_s: float) -> bool:
    with disk_errors(), suppress(FileNotFoundError), path.open("rb") as file:
        if time.time() - os.fstat(file.fileno()).st_mtime < older_than_s or not _lock(file):
            return False
        path.unlink()
        return True
    return False


def _lock(file: BinaryIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks: age alone must tell
        pass
    return True
