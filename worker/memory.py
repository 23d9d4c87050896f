"""How much memory a worker's process has, on the host and on its GPU."""

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
