"""What became of one promise in the soak."""

from dataclasses import dataclass
from statistics import median

from benchmarks.soak_promise import Figure, Promise, Trial

INTERRUPTED = "interrupted"
"""The failure of a promise that a Ctrl-C has cut short."""


@dataclass(frozen=True)
class Outcome:
    """All that was found until the promise's time was over, or something stopped it.

    Attributes:
        promise: which one.
        entries: in their order.
        seconds: that it took.
        failure: what stopped it before its end.
    """

    promise: Promise
    entries: tuple[Trial | Figure, ...]
    seconds: float
    failure: str | None = None

    @property
    def trials(self) -> list[Trial]:
        return [entry for entry in self.entries if isinstance(entry, Trial)]

    @property
    def figures(self) -> list[Figure]:
        return [entry for entry in self.entries if isinstance(entry, Figure)]

    @property
    def times(self) -> int:
        return sum(trial.times for trial in self.trials)

    @property
    def problems(self) -> list[str]:
        """What went wrong, in words."""
        said = [trial.problem for trial in self.trials if trial.problem]
        for figure in self.figures:
            if not figure.is_good:
                said.append(f"{figure.what}: more than {figure.at_most:g} {figure.unit}".strip())
        return [*said, self.failure] if self.failure else said

    @property
    def is_kept(self) -> bool:
        """Whether there was a trial, and none that went wrong."""
        return self.times > 0 and not self.failure and all(one.is_good for one in self.entries)

    @property
    def verdict(self) -> str:
        """In a word or two."""
        if self.is_kept:
            return "kept"
        harmless = self.failure == INTERRUPTED and all(one.is_good for one in self.entries)
        return INTERRUPTED if harmless else "NOT KEPT"

    @property
    def recovery(self) -> tuple[float, float] | None:
        """Median and longest of the seconds to recover, if any were measured."""
        known = [trial.recovery_s for trial in self.trials if trial.recovery_s is not None]
        return (median(known), max(known)) if known else None

    def total(self, what: str) -> int:
        """Sum of ``lost``, ``double``, ``mixed`` or ``dead``."""
        return sum(getattr(trial, what) for trial in self.trials)
