"""How many requests of a kind may be under way; the next one is sent away at once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from core.errors import LiftError


class Seats:
    """A bounded number of seats, without a queue before them. For one event loop.

    Args:
        count: how many.
        refusal: makes what those are told who find none.
    """

    def __init__(self, count: int, refusal: Callable[[], LiftError]) -> None:
        self._free = count
        self._refusal = refusal

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Sit down for as long as the block runs.

        Raises:
            LiftError: the refusal; every seat is taken.
        """
        if self._free == 0:
            raise self._refusal()
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1
