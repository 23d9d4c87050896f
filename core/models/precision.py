"""Where a lifter needs all bits of its numbers, whatever format it is trained in."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor


def full_precision(device: torch.device) -> AbstractContextManager[object]:
    """In here matrix products keep the format of their operands, under autocast as well.

    Half the bits are enough between layers, but not for what goes in and comes out: bf16 rounds a
    metre to 4 mm, and the second second of a window to a sixtieth.
    """
    if not torch.is_autocast_enabled(device.type):
        return nullcontext()  # nothing to undo; exporters see none of this
    return torch.autocast(device.type, enabled=False)


def for_products(values: Tensor) -> Tensor:
    """The values in the format that autocast gives to matrix products; outside it, as they are.

    What is copied before it is multiplied is cheaper to copy afterwards.
    """
    if not torch.is_autocast_enabled(values.device.type):
        return values
    return values.to(torch.get_autocast_dtype(values.device.type))
