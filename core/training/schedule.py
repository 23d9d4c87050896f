"""How the learning rate moves, and when a run has learnt what it can."""

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

_LEAST_GAIN = 1e-4
"""Relative: a smaller improvement counts as none. As in torch's ``ReduceLROnPlateau``."""
_COSINE_FLOOR = 0.01


class Schedule(StrEnum):
    """What lets the learning rate fall after the warm-up.

    ``cosine`` follows the share of the budget that is spent, down to a hundredth; ``plateau``
    falls each time the held-out error stops improving.
    """

    COSINE = "cosine"
    PLATEAU = "plateau"


@dataclass(frozen=True)
class Patience:
    """What the evaluations so far amount to.

    Attributes:
        best_mm: least held-out error that counted as an improvement.
        idle: evaluations in a row without improvement, or since the rate last fell.
        since_best: evaluations in a row without improvement.
        factor: of the learning rate.
    """

    best_mm: float = math.inf
    idle: int = 0
    since_best: int = 0
    factor: float = 1.0

    def observed(self, error_mm: float, *, factor: float, patience: int) -> Self:
        """After one more evaluation.

        The same rule as ``torch.optim.lr_scheduler.ReduceLROnPlateau`` with its defaults: the rate
        falls after more than ``patience`` evaluations without improvement.
        """
        if error_mm < self.best_mm * (1 - _LEAST_GAIN):
            return replace(self, best_mm=error_mm, idle=0, since_best=0)
        later = replace(self, idle=self.idle + 1, since_best=self.since_best + 1)
        if later.idle > patience:
            return replace(later, idle=0, factor=self.factor * factor)
        return later

    def is_spent(self, evaluations: int | None) -> bool:
        """Whether so many evaluations in a row brought nothing; None never gives up."""
        return evaluations is not None and self.since_best >= evaluations


def rate_share(
    schedule: Schedule, step: int, warm_up_steps: int, share_done: float, patience: Patience
) -> float:
    """Part of the peak learning rate that the next update takes."""
    warm = min(1.0, (step + 1) / max(1, warm_up_steps))
    if schedule is Schedule.PLATEAU:
        return warm * patience.factor
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, share_done)))
    return warm * (_COSINE_FLOOR + (1 - _COSINE_FLOOR) * cosine)
