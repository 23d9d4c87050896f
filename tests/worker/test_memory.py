"""What a worker says of its memory, and what it gives back."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest

from worker.memory import give_back_freed, memory_bytes

ROOT = Path(__file__).parents[2]
LEAVES_ITS_HEAP = """
import ctypes, threading
from worker.memory import give_back_freed, memory_bytes

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]

def job():
    blocks = [libc.malloc(1000) for _ in range(64_000)]
    for block in blocks:
        ctypes.memset(block, 1, 1000)
    for block in blocks[:-1]:  # the last one keeps the arena from shrinking by itself
        libc.free(block)

thread = threading.Thread(target=job)
thread.start()
thread.join()
before = memory_bytes(None)["resident"]
assert give_back_freed()
print(before - memory_bytes(None)["resident"])
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other allocators do as they like")
def test_what_a_thread_freed_is_given_back():
    said = subprocess.run(
        [sys.executable, "-c", LEAVES_ITS_HEAP],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert int(said) > 32_000_000  # of 64


def test_other_allocators_are_left_alone():
    assert not give_back_freed(library=object())  # has no malloc_trim, as musl has none


class WithDevice:
    def device_memory_bytes(self):
        return {"vram_allocated": 7}


def test_the_device_is_told_of_beside_the_host():
    assert set(memory_bytes(object())) == {"resident"}
    assert memory_bytes(WithDevice())["vram_allocated"] == 7
