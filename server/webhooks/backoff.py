"""When to try again: soon at first, then ever more rarely, and never all at the same moment."""

from dataclasses import dataclass
from random import SystemRandom

_RANDOM = SystemRandom()


@dataclass(frozen=True)
class Backoff:
    """Exponential pauses between attempts. As it stands the last attempt is most of a day later.

    Attributes:
        first_s: the pause after the first attempt, on average.
        factor: how much longer each pause is than the one before.
        longest_s: no pause is longer, on average.
        spread: how far a pause may be from its average, as a part of it.
        attempts: how many there are.
    """

    first_s: float = 5.0
    factor: float = 4.0
    longest_s: float = 5 * 3600.0
    spread: float = 0.5
    attempts: int = 10

    def average_s(self, attempt: int) -> float:
        """The pause after an attempt, 1 for the first, before it is spread."""
        return min(self.first_s * self.factor ** (attempt - 1), self.longest_s)

    def pause_s(self, attempt: int) -> float:
        """The pause after an attempt, which is another each time."""
        return self.average_s(attempt) * _RANDOM.uniform(1 - self.spread, 1 + self.spread)
