"""How long a run may go on, how far it is, and when something is due."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Budget:
    """Exactly one of a number of updates and of seconds of training."""

    steps: int | None = None
    seconds: float | None = None

    def share_done(self, step: int, elapsed_s: float) -> float:
        """Part that is spent; 1 or more ends the run."""
        if self.steps is not None:
            return step / self.steps
        return elapsed_s / (self.seconds or 1.0)

    def eta_s(self, step: int, elapsed_s: float, steps_per_s: float) -> float:
        """Seconds left, at the pace so far."""
        if self.steps is not None:
            return max(0.0, (self.steps - step) / max(steps_per_s, 1e-6))
        return max(0.0, (self.seconds or 1.0) - elapsed_s)


@dataclass
class Cadence:
    """Every so many updates, or every so many seconds of training.

    Attributes:
        every_steps: takes the place of ``every_s``; the same updates in every repetition of a run.
        every_s: counted from ``last_s``.
        last_s: of training, when it was last due.
    """

    every_steps: int | None
    every_s: float
    last_s: float

    def is_due(self, step: int, elapsed_s: float) -> bool:
        if self.every_steps is not None:
            return step % self.every_steps == 0
        if elapsed_s - self.last_s <= self.every_s:
            return False
        self.last_s = elapsed_s
        return True
