"""How many windows are lifted at once, and what happens when memory runs out all the same.

The batch size follows from measured bytes and a budget (:mod:`core.lifting.memory_cost`). Out of
memory means: release, halve, go on. At a single window it is a clear error, and the process lives
on with its memory back at where it was.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch

from core.errors import OutOfMemory
from core.lifting.memory_cost import (
    MIB,
    MemoryCost,
    is_out_of_memory,
    measure_cost,
    release_cached_memory,
)

Lifted = TypeVar("Lifted")


@dataclass(frozen=True)
class BatchPlanner:
    """How many windows to lift at once. Made once per process, shared by its jobs."""

    windows: int
    cost: MemoryCost | None = None

    @classmethod
    def measured(
        cls,
        lift: Callable[[int], object],
        *,
        device: torch.device,
        budget_mib: int,
        most_windows: int = 64,
    ) -> "BatchPlanner":
        """Measure, then choose the largest batch within the budget.

        Args:
            lift: lifts a batch of so many windows of the longest length used, on the device.
            device: where ``lift`` runs.
            budget_mib: memory that lifting may take, in MiB; on CUDA including the weights.
            most_windows: never more than this: larger batches gain no more speed.

        Raises:
            OutOfMemory: not even one window fits.
        """
        cost = measure_cost(lift, device)
        windows = min(most_windows, cost.windows_within(budget_mib * MIB))
        if windows < 1:
            needed_mib = (cost.fixed_bytes + cost.per_window_bytes) / MIB
            raise OutOfMemory(
                f"Lifting one window needs {needed_mib:.1f} MiB, but the memory budget is "
                f"{budget_mib} MiB. Give the worker a larger budget or a smaller lifter."
            )
        return cls(windows, cost)

    def fits_twice(self, budget_mib: int) -> bool:
        """Whether two batches at a time are within the budget; not known unless measured."""
        if self.cost is None:
            return False
        return self.cost.windows_within(budget_mib * MIB // 2) >= self.windows

    def start(self, device: torch.device) -> "BatchRunner":
        """A runner for one job.

        It remembers what did not fit. The next job starts afresh: what was missing may have been
        another process's for a moment.
        """
        return BatchRunner(self.windows, device)


class BatchRunner:
    """Lifts any number of windows in batches that fit; halves the batch when memory runs out."""

    def __init__(self, windows: int, device: torch.device) -> None:
        self.windows = windows
        self._device = device

    def run(self, total: int, lift: Callable[[slice], Lifted]) -> Iterator[Lifted]:
        """Lift windows ``0 .. total`` in order, batch by batch.

        Args:
            total: how many windows there are.
            lift: lifts the windows of a slice; must keep nothing on the device after it returns.

        Raises:
            OutOfMemory: one window alone does not fit. Everything allocated is released.
        """
        start = 0
        while start < total:
            part = slice(start, min(start + self.windows, total))
            success = _attempt(lift, part)
            if success is None:
                release_cached_memory(self._device)
                self.windows = _half_of(part.stop - part.start)
                continue
            yield success.result
            start = part.stop


@dataclass(frozen=True)
class _Success(Generic[Lifted]):
    result: Lifted


def _attempt(lift: Callable[[slice], Lifted], part: slice) -> _Success[Lifted] | None:
    """None when memory ran out.

    The error is dropped before anything else happens: its traceback would keep every tensor of
    the failed batch alive.
    """
    try:
        return _Success(lift(part))
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        return None


def _half_of(failed_windows: int) -> int:
    if failed_windows == 1:
        raise OutOfMemory(
            "The device ran out of memory on a single window of frames. Give the worker a larger "
            "memory budget, or let fewer processes share the device."
        )
    return failed_windows // 2
