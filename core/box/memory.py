"""Memory without a name that two processes share, gone with the last of them."""

import mmap
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from core.box.planes import SLOT_BYTES, SLOTS


def shared_memory() -> int:
    """The descriptor of memory for all slots."""
    size_bytes = SLOTS * SLOT_BYTES
    if not hasattr(os, "memfd_create"):
        with tempfile.TemporaryFile() as file:
            file.truncate(size_bytes)
            return os.dup(file.fileno())
    descriptor = os.memfd_create("pictures", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        os.ftruncate(descriptor, size_bytes)
        # Whoever cuts off shared memory kills those who read from it.
        _seal(descriptor)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def mapped(descriptor: int) -> mmap.mmap:
    """The slots as memory of this process; the descriptor is no longer needed for it."""
    return mmap.mmap(descriptor, SLOTS * SLOT_BYTES)


@contextmanager
def as_file(content: bytes) -> Iterator[int]:
    """The descriptor of a file with this content, which nobody can change any more.

    Where the system cannot seal memory it is a file on disk, without a name.
    """
    if not hasattr(os, "memfd_create"):
        with tempfile.TemporaryFile() as file:
            file.write(content)
            file.flush()
            yield file.fileno()
        return
    descriptor = os.memfd_create("input", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with os.fdopen(descriptor, "wb", buffering=0, closefd=True) as file:
        rest = memoryview(content)
        while rest:
            rest = rest[file.write(rest) :]
        _seal(descriptor, content=True)
        yield descriptor


def _seal(descriptor: int, *, content: bool = False) -> None:
    """Keep the size as it is, and the content if wanted, for good."""
    import fcntl  # not everywhere

    seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals | (fcntl.F_SEAL_WRITE if content else 0))
