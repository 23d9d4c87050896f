"""Words of the soak: what a promise is told, and what it says of each trial."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random


@dataclass(frozen=True)
class Trial:
    """One attack, or several of one kind, and what became of it.

    Attributes:
        times: how many trials this speaks of; 0 adds to what an earlier one said.
        lost: jobs (or messages) that were acknowledged and then neither kept nor ended.
        double: results, jobs or files that are there once too often.
        mixed: results that are not what an undisturbed run makes.
        dead: processes that ended though nobody killed them.
        recovery_s: from the attack, or from its end where it lasts, until all went on; if measured.
        problem: what else should not have happened.
    """

    times: int = 1
    lost: int = 0
    double: int = 0
    mixed: int = 0
    dead: int = 0
    recovery_s: float | None = None
    problem: str = ""

    @property
    def is_good(self) -> bool:
        return not (self.lost or self.double or self.mixed or self.dead or self.problem)


@dataclass(frozen=True)
class Figure:
    """A number that belongs to a promise.

    Attributes:
        what: it says.
        value: the number.
        unit: of the number.
        at_most: the largest value that we promise, if we do.
    """

    what: str
    value: float
    unit: str = ""
    at_most: float | None = None

    @property
    def is_good(self) -> bool:
        # NaN keeps no promise.
        return self.at_most is None or self.value <= self.at_most


Entries = Iterator[Trial | Figure]


@dataclass(frozen=True)
class Setting:
    """What every promise is told.

    Attributes:
        folder: its own, empty, with a short path: sockets lie in it.
        seed: of its dice.
        share_s: how long it may take.
        ends_s: when that is over, on the clock of ``time.monotonic``.
    """

    folder: Path
    seed: int
    share_s: float
    ends_s: float

    @property
    def dice(self) -> Random:
        """Thrown the same way again by the same seed; the order of events is the machine's."""
        return Random(self.seed)  # noqa: S311 - chances, not secrets

    @property
    def left_s(self) -> float:
        return self.ends_s - time.monotonic()

    def has(self, seconds: float) -> bool:
        """Whether so much time is left."""
        return seconds <= self.left_s

    def rounds(self, most: int | None = None, *, each_s: float = 0.0) -> Iterator[int]:
        """Numbers from 0 for as long as another round fits; at least one."""
        number = 0
        while number == 0 or (self.has(each_s) and (most is None or number < most)):
            yield number
            number += 1


@dataclass(frozen=True)
class Promise:
    """One row of the table.

    Attributes:
        name: on the command line.
        what: is tried.
        hold: tries it, and says after each trial what became of it.
        weight: its share of the time, relative to the others'.
        wanted: so many trials, if time allows.
    """

    name: str
    what: str
    hold: Callable[[Setting], Entries]
    weight: float
    wanted: int | None = None
