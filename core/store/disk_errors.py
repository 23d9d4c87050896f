"""What the operating system says about a disk, in words of ours."""

import errno
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from core.errors import StorageFull, StorageUnavailable

log = logging.getLogger(__name__)

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def disk_errors() -> Iterator[None]:
    """A full disk is ``StorageFull``; a read-only, failing or missing one is unavailable.

    Which of the many ways to fail it was goes to the log: a user can do nothing about it, and a
    path is none of their business.

    Raises:
        StorageFull: there is no room.
        StorageUnavailable: anything else that the system refused.
    """
    try:
        yield
    except OSError as error:
        log.warning("the data folder cannot be used: %s", error)
        if error.errno in _FULL:
            raise StorageFull("The disk is full. Try again once results have expired.") from error
        raise StorageUnavailable(
            "The data folder cannot be used just now. Try again in a few minutes."
        ) from error
