"""A setting of the C library that makes training on a CPU several times faster."""

import ctypes
import sys

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3  # of mallopt(3)


def keep_freed_memory() -> bool:
    """Let glibc keep freed blocks instead of giving them back to the kernel.

    By default every tensor over 32 MiB, and often smaller ones, is mapped afresh, and the kernel
    zeroes its pages one fault at a time; on virtual machines that costs more than the arithmetic
    (measured: a graph convolution with gradients took 265 ms, and 31 ms with this).

    Returns:
        Whether the C library took the settings; false where it is not glibc.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:
        return False
    settings = ((_MMAP_THRESHOLD, 1 << 30), (_TRIM_THRESHOLD, 2**31 - 1), (_TOP_PAD, 1 << 26))
    taken = [bool(mallopt(option, value)) for option, value in settings]
    return all(taken)
