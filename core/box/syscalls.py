"""System calls that Python's standard library does not have."""

import ctypes
import os


class Syscalls:
    """The kernel, by number of the call; to be made before the walls stand.

    Raises:
        OSError: there is no C library to ask it through.
    """

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._libc.syscall.restype = ctypes.c_long

    def __call__(self, number: int, *arguments: object) -> int:
        """The call's answer; whole numbers travel as 64 bits.

        Raises:
            OSError: the kernel refused.
        """
        words = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
        return self._checked(self._libc.syscall(ctypes.c_long(number), *words))

    def prctl(self, option: int, value: int) -> int:
        """Set an attribute of this process, as the manual page of that name says.

        Raises:
            OSError: the kernel refused.
        """
        words = [ctypes.c_ulong(word) for word in (value, 0, 0, 0)]
        return self._checked(self._libc.prctl(ctypes.c_int(option), *words))

    def _checked(self, answer: int) -> int:
        if answer < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return answer
