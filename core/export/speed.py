"""How fast an exported lifter is next to the original, here and now."""

import time
from statistics import median

import torch
from torch import nn

from core.export.parity import cases

ROUNDS = 9


def relative_time(
    original: nn.Module, exported: nn.Module, case: str, rounds: int = ROUNDS
) -> float:
    """The exported lifter's time over the original's, on one CPU thread each.

    They take turns, so that whatever else the machine does slows down both. Above 1 the exported
    one is slower.

    Args:
        original: a lifter.
        exported: another one that answers the same.
        case: which of :func:`core.export.parity.cases` they are timed on.
        rounds: how often; the median counts.
    """
    windows = cases()[case]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            ratios = [
                _seconds(exported, windows) / _seconds(original, windows) for _ in range(rounds + 1)
            ]
    finally:
        torch.set_num_threads(threads)
    return median(ratios[1:])  # the first round warms up


def _seconds(lifter: nn.Module, windows: tuple[torch.Tensor | None, ...]) -> float:
    started = time.perf_counter()
    lifter(*windows)
    return time.perf_counter() - started
