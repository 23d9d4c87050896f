"""Makes device memory scarce on purpose."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from core.lifting.memory_cost import MIB, limit_device_memory, release_cached_memory


@contextmanager
def only_this_much_more(device: torch.device, *, mib: int) -> Iterator[None]:
    """In here the allocator grants so much beyond what is in use; then everything again."""
    gc.collect()
    torch.cuda.synchronize(device)
    release_cached_memory(device)
    limit_device_memory(device, torch.cuda.memory_reserved(device) // MIB + mib)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, device)


def allocated_mib(device: torch.device) -> float:
    """What lives on the device; 0 on a CPU, where nobody keeps count."""
    if device.type != "cuda":
        return 0.0
    gc.collect()
    torch.cuda.synchronize(device)
    return torch.cuda.memory_allocated(device) / MIB


class Observed(nn.Module):
    """A lifter that notes how large batches are that succeed, and on a CPU plays a full device.

    Args:
        lifter: does the work.
        most_windows: more than so many are refused as a device would; None refuses nothing.
    """

    def __init__(self, lifter: nn.Module, most_windows: int | None = None) -> None:
        super().__init__()
        self.lifter = lifter
        self.most_windows = most_windows
        self.batches: list[int] = []

    def forward(
        self, rays: Tensor, confidence: Tensor, time_s: Tensor, hint_m: Tensor | None = None
    ) -> tuple[Tensor, ...]:
        if self.most_windows is not None and len(rays) > self.most_windows:
            raise torch.OutOfMemoryError("out of memory on purpose")
        lifted = self.lifter(rays, confidence, time_s, hint_m)
        self.batches.append(len(rays))
        return lifted
