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
        self.refuse_if_full()
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1

    def refuse_if_full(self) -> None:
        """Raises ``NoWorkerFree`` if there is no seat now, before anything costs time."""
        if self._free == 0:
            raise NoWorkerFree("Too many pictures are waited for. Try again in a few seconds.")
