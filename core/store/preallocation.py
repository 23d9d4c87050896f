"""Room on a disk, set aside for a file before its bytes come."""

import ctypes
import errno
import os
import sys
from functools import cache
from typing import Any

_KEEP_SIZE = 1
"""The file does not get longer; the room beyond its end is only kept."""
_NOT_HERE = (errno.EOPNOTSUPP, errno.ENOSYS)


def set_aside(file: int, size_bytes: int) -> bool:
    """Have the file system keep room for a file that is about to be written.

    Every other process sees less free room from now on, and gets it back if this one dies and its
    file is removed: there are no books that could be wrong. ``os.posix_fallocate`` would write
    zeros where the file system knows no such thing, which is why it is not used.

    Args:
        file: descriptor, opened for writing.
        size_bytes: how long the file may become.

    Returns:
        Whether it is kept; not every system and file system can.

    Raises:
        OSError: there is no such room, as ``ENOSPC``, ``EDQUOT`` or ``EFBIG``.

    Source: fallocate(2).
    """
    fallocate = _fallocate()
    if fallocate is None or size_bytes <= 0:
        return False
    while fallocate(file, _KEEP_SIZE, 0, size_bytes) != 0:
        number = ctypes.get_errno()
        if number in _NOT_HERE:
            return False
        if number != errno.EINTR:
            raise OSError(number, os.strerror(number))
    return True


@cache
def _fallocate() -> Any:  # noqa: ANN401 - a C function
    if sys.platform != "linux":
        return None
    function = getattr(ctypes.CDLL(None, use_errno=True), "fallocate64", None)
    if function is not None:
        function.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    return function
