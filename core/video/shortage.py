"""Tells a decoder that has no memory left from a file that asks for an absurd amount of it."""

import mmap
from errno import EAGAIN, ENOMEM

_ENOUGH_BYTES = 512 << 20
_SHORT = (ENOMEM, EAGAIN)  # the second where a thread of the decoder gets no stack


def raise_if_memory_is_short(error: Exception) -> None:
    """Raise if FFmpeg failed because this process may have no more memory.

    A damaged header can ask for gigabytes, and FFmpeg refuses that with the same code as a real
    shortage. So we see for ourselves whether there is any; nothing of it is touched.

    Raises:
        MemoryError: there is really none.
    """
    if getattr(error, "errno", None) not in _SHORT:
        return
    try:
        mmap.mmap(-1, _ENOUGH_BYTES).close()
    except OSError:
        raise MemoryError from error
