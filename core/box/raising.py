"""Raises the walls around this process, and then tries each of them from the inside."""

import fcntl
import mmap
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from core.box.landlock import close_files
from core.box.limits import BoxLimits
from core.box.seccomp import refuse_other_calls
from core.box.syscalls import Syscalls
from core.box.walls import Walls

_PR_SET_NO_NEW_PRIVS = 38
_PAGE_BYTES = resource.getpagesize()


def raise_walls(limits: BoxLimits, *, filtered: bool = True) -> Walls:
    """Everything that this system has; it cannot be undone. No other thread may be running.

    Args:
        limits: how much the box may use.
        filtered: whether to refuse system calls that decoding does not need.
    """
    made_of = ["limits"]
    set_limits(limits)
    if sys.platform == "linux":
        calls = Syscalls()
        with suppress(OSError):
            calls.prctl(_PR_SET_NO_NEW_PRIVS, 1)
            made_of.append("no-new-privileges")
        with suppress(OSError):
            made_of.append(f"landlock-{close_files(calls)}")
        if filtered:
            with suppress(OSError):
                refuse_other_calls(calls, os.getpid())
                made_of.append("seccomp")
    return Walls(tuple(made_of), what_is_open(limits))


def die_with(leash: int) -> None:
    """Have the kernel end this process when the other end of a pipe is closed.

    Whoever holds that end may die in any way; and it works while a decoder hangs, which never
    looks. Elsewhere than on Linux a box notices when it next has something to say.
    """
    if sys.platform == "linux":
        fcntl.fcntl(leash, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(leash, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(leash, fcntl.F_SETFL, fcntl.fcntl(leash, fcntl.F_GETFL) | os.O_ASYNC)


def set_limits(limits: BoxLimits) -> None:
    """Limits that every process of this system obeys; those that are unknown here are left out."""
    _limit(resource.RLIMIT_AS, _address_space_bytes() + limits.memory_bytes)
    _limit(resource.RLIMIT_NOFILE, limits.open_files)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_CORE, 0)
    if sys.platform == "linux":
        # Only the soft limit: whoever waits for our pictures raises it as they come.
        used_s = int(sum(resource.getrusage(resource.RUSAGE_SELF)[:2]))
        _, most_s = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (used_s + limits.cpu_s, most_s))


def what_is_open(limits: BoxLimits) -> tuple[str, ...]:
    """Walls that do not hold, found out by running against all of them."""
    trials: dict[str, Callable[[], object]] = {
        "memory": lambda: mmap.mmap(-1, limits.memory_bytes + _PAGE_BYTES).close(),
        "processor time": _has_time_without_end,
        "files": lambda: os.close(os.open("/", os.O_RDONLY)),
        "network": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close(),
        "processes": _fork,
        "signals": lambda: os.kill(os.getppid(), 0),
    }
    return tuple(name for name, trial in trials.items() if _works(trial))


def _limit(what: int, most: int) -> None:
    _, hard = resource.getrlimit(what)
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    try:
        resource.setrlimit(what, (most, most))
    except (OSError, ValueError):
        return  # macOS has no limit on address space, say; the trial will tell


def _address_space_bytes() -> int:
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except OSError:
        return 1 << 30
    return pages * _PAGE_BYTES


def _works(trial: Callable[[], object]) -> bool:
    try:
        trial()
    except OSError:
        return False
    return True


def _has_time_without_end() -> None:
    if resource.getrlimit(resource.RLIMIT_CPU)[0] != resource.RLIM_INFINITY:
        raise PermissionError


def _fork() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
