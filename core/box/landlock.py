"""Landlock: the kernel's own wall against opening files, for processes without any privilege.

Source: landlock(7), Linux' ``linux/landlock.h``.
"""

import ctypes
import os
import struct

from core.box.syscalls import Syscalls

_CREATE_RULESET, _RESTRICT_SELF = 444, 446  # on every processor
_ASK_VERSION = 1
_FILES = {1: 13, 2: 14, 3: 15, 5: 16}
"""How many kinds of access to files each version of the interface knows."""
_BIND_AND_CONNECT = 0b11  # from version 4 on
_SOCKETS_AND_SIGNALS = 0b11  # from version 6 on: beyond this process


def close_files(calls: Syscalls) -> int:
    """No path can be opened, made or removed any more; what is open stays so.

    Where the kernel can: no TCP either, and no signals to other processes. Only threads made later
    are held to it, so there must be no other yet.

    Returns:
        The version of the interface.

    Raises:
        OSError: the kernel does not have it, or it is switched off.
    """
    version = calls(_CREATE_RULESET, None, 0, _ASK_VERSION)
    kinds = max(count for since, count in _FILES.items() if since <= version)
    words = [(1 << kinds) - 1]
    if version >= 4:
        words.append(_BIND_AND_CONNECT)
    if version >= 6:
        words.append(_SOCKETS_AND_SIGNALS)
    wanted = struct.pack(f"{len(words)}Q", *words)
    ruleset = calls(_CREATE_RULESET, ctypes.c_char_p(wanted), len(wanted), 0)
    try:
        calls(_RESTRICT_SELF, ruleset, 0)  # without a single rule that allows something
    finally:
        os.close(ruleset)
    return version
