"""How much memory a worker's process has, on host and GPU, and how it gives some back."""

import ctypes
from typing import Protocol, runtime_checkable

import psutil


@runtime_checkable
class OnDevice(Protocol):
    """A runtime that can tell of its device's memory."""

    def device_memory_bytes(self) -> dict[str, int]:
        """By kind: ``vram_allocated``, ``vram_reserved`` and ``vram_budget``; none on the CPU."""
        ...


def memory_bytes(runtime: object) -> dict[str, int]:
    """By kind: ``resident``, and what the runtime tells of its device."""
    resident = {"resident": psutil.Process().memory_info().rss}
    return resident | (runtime.device_memory_bytes() if isinstance(runtime, OnDevice) else {})


def give_back_freed(library: object | None = None) -> bool:
    """Return what was freed to the system; whether there was anything, as far as is known.

    Each thread of a job allocates in an arena of glibc's own choice, and what it frees stays there,
    between the few things that live on: from job to job a worker would grow. Other allocators are
    left to their own ways.

    Args:
        library: whose allocator is asked; the C library of this process if None.
    """
    trim = getattr(library or ctypes.CDLL(None), "malloc_trim", None)
    return trim is not None and bool(trim(0))
