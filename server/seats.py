"""How many clients may wait at the same time; the next one is sent away at once."""

from collections.abc import Iterator
from contextlib import contextmanager

from core.errors import NoWorkerFree


class Seats:
    """A bounded number of seats, without a queue before them. For one event loop."""

    def __init__(self, count: int) -> None:
        self._free = count

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Sit down for as long as the block runs.

        Raises:
            NoWorkerFree: every seat is taken.
        """
        if self._free == 0:
            raise NoWorkerFree("Too many pictures are waited for. Try again in a few seconds.")
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1
