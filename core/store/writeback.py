"""Bytes on their way to a disk before they are waited for; from memory once they are there."""

import ctypes
import errno
import os
import sys
from contextlib import suppress
from functools import cache
from typing import Any

_WRITE = 2
"""``SYNC_FILE_RANGE_WRITE``: begin, and wait for nothing."""
_NOT_HERE = (errno.ENOSYS, errno.EINVAL, errno.ESPIPE, errno.EOPNOTSUPP)


def begin_writeback(file: int, start: int, size_bytes: int) -> None:
    """Have the system write a part of a file to its disk now, while more of the file comes.

    By itself it begins much later, so that the ``fsync`` at the end finds all of a large file still
    to be written. It must follow all the same: nothing is promised before. Where there is no such
    call nothing happens.

    Args:
        file: descriptor, opened for writing.
        start: first byte of the part.
        size_bytes: its length.

    Raises:
        OSError: the disk failed.

    Source: sync_file_range(2).
    """
    sync_file_range = _sync_file_range()
    if sync_file_range is None:
        return
    while sync_file_range(file, start, size_bytes, _WRITE) != 0:
        number = ctypes.get_errno()
        if number in _NOT_HERE:
            return
        if number != errno.EINTR:
            raise OSError(number, os.strerror(number))


def let_go(file: int, start: int, size_bytes: int) -> None:
    """Have the system forget its copy in memory of a part of a file that is on the disk.

    A large file would else push out what is needed again, and be no faster for it: new memory has
    to be found for every page, and old pages are in the processor's caches. What is still on its
    way to the disk is kept. Where there is no such call nothing happens.

    Args:
        file: descriptor.
        start: first byte of the part.
        size_bytes: its length.

    Source: posix_fadvise(2).
    """
    if sys.platform != "linux":
        return
    with suppress(OSError):  # a pipe, or a file system that has no such copy
        os.posix_fadvise(file, start, size_bytes, os.POSIX_FADV_DONTNEED)


@cache
def _sync_file_range() -> Any:  # noqa: ANN401 - a C function
    if sys.platform != "linux":
        return None
    function = getattr(ctypes.CDLL(None, use_errno=True), "sync_file_range", None)
    if function is not None:
        function.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)
    return function
