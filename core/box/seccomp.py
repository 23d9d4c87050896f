"""A list of the system calls that decoding needs; the kernel refuses all others.

libseccomp would write the same program, but is a C library that no maintained wheel carries, so
the program is assembled here: a few instructions for each call.

Source: seccomp(2), Linux' ``linux/filter.h`` and ``linux/audit.h``, the kernel's tables of system
calls.
"""

import ctypes
import errno
import mmap
import platform
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from core.box.syscalls import Syscalls

_ALWAYS = {  # name: number on x86-64, on 64-bit ARM
    "read": (0, 63), "write": (1, 64), "close": (3, 57), "fstat": (5, 80), "lseek": (8, 62),
    "munmap": (11, 215), "brk": (12, 214), "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139), "pread64": (17, 67), "readv": (19, 65), "writev": (20, 66),
    "poll": (7, None), "ppoll": (271, 73), "select": (23, None), "pselect6": (270, 72),
    "sched_yield": (24, 124), "mremap": (25, 216), "madvise": (28, 233), "dup": (32, 23),
    "nanosleep": (35, 101), "clock_nanosleep": (230, 115), "clock_gettime": (228, 113),
    "clock_getres": (229, 114), "gettimeofday": (96, 169), "getpid": (39, 172),
    "gettid": (186, 178), "exit": (60, 93), "exit_group": (231, 94), "futex": (202, 98),
    "set_robust_list": (273, 99), "rseq": (334, 293), "sched_getaffinity": (204, 123),
    "sigaltstack": (131, 132), "getrlimit": (97, 163), "getrusage": (98, 165),
    "getrandom": (318, 278), "recvmsg": (47, 212), "sendmsg": (46, 211), "recvfrom": (45, 207),
    "sendto": (44, 206), "sysinfo": (99, 179), "membarrier": (324, 283),
    "restart_syscall": (219, 128), "getcpu": (309, 168), "times": (100, 153),
}  # fmt: skip
_CLONE3 = (435, 435)
_CLONE = (56, 220)
_MMAP, _MPROTECT = (9, 222), (10, 226)
_STAT = (262, 79)
_FCNTL, _PRCTL, _PRLIMIT, _TGKILL = (72, 25), (157, 167), (302, 261), (234, 131)

_A_THREAD = 0x00010000 | 0x00000100  # CLONE_THREAD, CLONE_VM: no new process
_HARMLESS_FCNTL = (1, 2, 3, 1030)  # F_GETFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC
_PR_SET_NAME = 15
_AT_EMPTY_PATH = 0x1000

_SET_MODE_FILTER, _ALL_THREADS = 1, 1
_LOAD, _JUMP_EQUAL, _JUMP_FROM, _JUMP_BITS, _AND, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
_ALLOW, _KILL, _REFUSE = 0x7FFF0000, 0x80000000, 0x00050000
_NUMBER_AT, _MACHINE_AT, _FIRST_ARGUMENT_AT = 0, 4, 16  # in struct seccomp_data

Instruction = tuple[int, int, int, int]
"""Code, how far to jump if true, if false, and its constant."""


@dataclass(frozen=True)
class Machine:
    """A processor whose system calls are known.

    Attributes:
        audit: what the kernel calls it.
        column: of the tables above.
        seccomp: the number of the system call itself.
        foreign_from: numbers from here on belong to another ABI of the same processor.
    """

    audit: int
    column: int
    seccomp: int
    foreign_from: int | None = None


_MACHINES = {
    "x86_64": Machine(0xC000003E, column=0, seccomp=317, foreign_from=0x40000000),
    "aarch64": Machine(0xC00000B7, column=1, seccomp=277),
}


def refuse_other_calls(calls: Syscalls, own_pid: int) -> None:
    """From now on all threads of this process can decode, and do nothing else.

    What is refused fails with EPERM and does not kill: a library that tries something, and can do
    without, goes on. It cannot be taken back.

    Args:
        calls: the kernel.
        own_pid: of this process.

    Raises:
        OSError: the kernel, or whoever contains us, has no such filters; or an unknown processor.
    """
    machine = _MACHINES.get(platform.machine())
    if machine is None or sys.byteorder != "little":
        raise OSError(errno.ENOSYS, f"no list of system calls for {platform.machine()}")
    program = b"".join(
        struct.pack("HBBI", *instruction) for instruction in _program(machine, own_pid)
    )
    instructions = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(instructions))
    calls(machine.seccomp, _SET_MODE_FILTER, _ALL_THREADS, ctypes.c_char_p(header))


def _program(machine: Machine, own_pid: int) -> Iterator[Instruction]:
    yield _LOAD, 0, 0, _MACHINE_AT
    yield _JUMP_EQUAL, 1, 0, machine.audit
    yield _RETURN, 0, 0, _KILL
    yield _LOAD, 0, 0, _NUMBER_AT
    if machine.foreign_from is not None:
        yield _JUMP_FROM, 0, 1, machine.foreign_from
        yield _RETURN, 0, 0, _REFUSE | errno.EPERM
    for numbers in _ALWAYS.values():
        number = numbers[machine.column]
        if number is not None:
            yield from _if_called(number, [(_RETURN, 0, 0, _ALLOW)])
    for numbers, block in _with_conditions(own_pid):
        yield from _if_called(numbers[machine.column], block)
    yield _RETURN, 0, 0, _REFUSE | errno.EPERM


def _with_conditions(own_pid: int) -> Iterator[tuple[tuple[int, int], list[Instruction]]]:
    # Memory that holds code, once written, would be the next step of an attack.
    yield _MMAP, _unless_bits(argument=2, bits=mmap.PROT_EXEC)
    yield _MPROTECT, _unless_bits(argument=2, bits=mmap.PROT_EXEC)
    yield _CLONE, _if_equal(0, _A_THREAD, mask=_A_THREAD)
    # Its arguments are behind a pointer, where a filter cannot look; glibc falls back to clone.
    yield _CLONE3, [(_RETURN, 0, 0, _REFUSE | errno.ENOSYS)]
    yield _FCNTL, _if_equal(1, *_HARMLESS_FCNTL)
    yield _PRCTL, _if_equal(0, _PR_SET_NAME)
    # How glibc asks for the size of an open file. Whether the path is really empty cannot be seen,
    # so the size and age of other files can be learned, if never their content.
    yield _STAT, _if_equal(3, _AT_EMPTY_PATH)
    yield _TGKILL, _if_equal(0, own_pid)
    # Limits may be read, not set: both halves of the pointer to a new one must be zero.
    yield _PRLIMIT, _if_null(argument=2)


def _if_called(number: int, block: list[Instruction]) -> Iterator[Instruction]:
    """The block ends in a decision whatever happens in it."""
    yield _JUMP_EQUAL, 0, len(block), number
    yield from block


def _unless_bits(argument: int, bits: int) -> list[Instruction]:
    return [
        (_LOAD, 0, 0, _FIRST_ARGUMENT_AT + 8 * argument),
        (_JUMP_BITS, 1, 0, bits),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _REFUSE | errno.EPERM),
    ]


def _if_equal(argument: int, *values: int, mask: int = 0xFFFFFFFF) -> list[Instruction]:
    comparisons = [
        (_JUMP_EQUAL, len(values) - place, 0, value) for place, value in enumerate(values)
    ]
    return [
        (_LOAD, 0, 0, _FIRST_ARGUMENT_AT + 8 * argument),
        (_AND, 0, 0, mask),
        *comparisons,
        (_RETURN, 0, 0, _REFUSE | errno.EPERM),
        (_RETURN, 0, 0, _ALLOW),
    ]


def _if_null(argument: int) -> list[Instruction]:
    at = _FIRST_ARGUMENT_AT + 8 * argument
    return [
        (_LOAD, 0, 0, at),
        (_JUMP_EQUAL, 0, 3, 0),
        (_LOAD, 0, 0, at + 4),
        (_JUMP_EQUAL, 0, 1, 0),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _REFUSE | errno.EPERM),
    ]
