"""Wall and processor time of some work."""

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """Of one run of some work; processor time is that of this process and its ended children."""

    wall_ms: float
    cpu_ms: float


def cost(work: Callable[[], object]) -> Cost:
    """Do the work once."""
    cpu_s, start_s = _cpu_s(), time.perf_counter()
    work()
    return Cost(1000 * (time.perf_counter() - start_s), 1000 * (_cpu_s() - cpu_s))


def _cpu_s() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in both)
