"""What a batch of windows costs in memory: measured, for CUDA and CPU alike.

Two probe batches of different size give the bytes that any batch costs and the bytes that each
window adds. On CUDA the allocator keeps count. On CPU the live tensors are counted operation by
operation, which is exact and repeatable where the resident memory of a process is neither.
"""

import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from core.errors import OutOfMemory

MIB = 1024 * 1024
PROBES = (2, 6)
"""Windows in the two probe batches: apart enough that rounding does not matter, few enough for
any device that is of use."""


@dataclass(frozen=True)
class MemoryCost:
    """Peak memory of a batch: ``fixed_bytes + windows * per_window_bytes``.

    On CUDA the fixed part holds everything resident, the weights too; on CPU it counts only
    what lifting adds to the process.
    """

    fixed_bytes: int
    per_window_bytes: int

    def windows_within(self, budget_bytes: int) -> int:
        """How many windows fit, 0 if not even one."""
        return max(0, budget_bytes - self.fixed_bytes) // max(1, self.per_window_bytes)


def measure_cost(lift: Callable[[int], object], device: torch.device) -> MemoryCost:
    """Peak memory as a function of the batch size.

    Args:
        lift: lifts a batch of so many windows on the device.
        device: where it does so.

    Raises:
        OutOfMemory: the probe batches do not fit.
    """
    peaks_bytes = _probe(lift, device)
    if peaks_bytes is None:
        release_cached_memory(device)
        raise OutOfMemory(
            f"Memory ran out while measuring what a batch of {PROBES[1]} windows needs. Give the "
            "worker a larger memory budget, or let fewer processes share the device."
        )
    few_bytes, many_bytes = peaks_bytes
    per_window_bytes = max(0, many_bytes - few_bytes) // (PROBES[1] - PROBES[0])
    return MemoryCost(max(0, few_bytes - PROBES[0] * per_window_bytes), per_window_bytes)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, on a device or on the host."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    # The CPU allocator has no error type of its own, only words.
    words = ("can't allocate memory", "not enough memory")
    return isinstance(error, RuntimeError) and any(word in str(error) for word in words)


def limit_device_memory(device: torch.device, budget_mib: int) -> None:
    """Make CUDA's allocator itself refuse to go beyond the budget; does nothing on CPU."""
    if device.type == "cuda":
        total_bytes = torch.cuda.get_device_properties(device).total_memory
        fraction = min(1.0, budget_mib * MIB / total_bytes)
        torch.cuda.set_per_process_memory_fraction(fraction, device)


def release_cached_memory(device: torch.device) -> None:
    """Hand freed blocks back after a failure.

    Cached in the wrong sizes they would make a retry fail too. Not for use between batches that
    succeed: there the cache is what makes allocation cheap.
    """
    if device.type == "cuda":
        torch.cuda.empty_cache()


def _probe(lift: Callable[[int], object], device: torch.device) -> tuple[int, int] | None:
    """Peaks of the two probe batches; None when memory ran out, with the error dropped."""
    try:
        lift(1)  # what only the first call allocates (workspaces, plans) is not a window's cost
        return _peak_bytes(lift, PROBES[0], device), _peak_bytes(lift, PROBES[1], device)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        return None


def _peak_bytes(lift: Callable[[int], object], windows: int, device: torch.device) -> int:
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        lift(windows)
        torch.cuda.synchronize(device)
        return torch.cuda.max_memory_allocated(device)
    with _layers_in_the_open(), LiveTensorBytes() as live:
        lift(windows)
    return live.peak_bytes


@contextmanager
def _layers_in_the_open() -> Iterator[None]:
    """Without torch's fused attention layer, which hides its own temporaries in one operation."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


class LiveTensorBytes(TorchDispatchMode):
    """Counts the bytes of tensors that are born inside the context and still alive.

    Scratch memory that a kernel takes and returns within one operation is not seen.
    """

    def __init__(self) -> None:
        super().__init__()
        self.live_bytes = 0
        self.peak_bytes = 0
        self._counted: set[int] = set()

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Nothing is compiled here, so torch need not import its compiler: a second, 70 MB."""
        return False

    def __torch_dispatch__(
        self,
        func: Callable[..., object],
        types: Sequence[type],
        args: Sequence[object] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object:
        known = {storage._cdata for storage in _storages((args, kwargs))} | self._counted
        outputs = func(*args, **(kwargs or {}))
        for storage in _storages(outputs):
            if storage._cdata not in known:
                self._count(storage)
        return outputs

    def _count(self, storage: torch.UntypedStorage) -> None:
        key, size_bytes = storage._cdata, storage.nbytes()
        if key in self._counted:
            return
        self._counted.add(key)
        self.live_bytes += size_bytes
        self.peak_bytes = max(self.peak_bytes, self.live_bytes)
        weakref.finalize(storage, self._release, key, size_bytes)

    def _release(self, key: int, size_bytes: int) -> None:
        self._counted.discard(key)
        self.live_bytes -= size_bytes


def _storages(values: object) -> Iterator[torch.UntypedStorage]:
    for leaf in tree_leaves(values):
        if isinstance(leaf, torch.Tensor):
            yield leaf.untyped_storage()
