"""The pictures that are between the decoder and whoever still needs them; a bounded number."""

from collections import deque
from collections.abc import Callable
from threading import Condition
from typing import Generic, Protocol, TypeVar, runtime_checkable

Picture = TypeVar("Picture")
Picture_co = TypeVar("Picture_co", covariant=True)

_LOOK_UP_S = 0.1  # how often a wait for the decoder is interrupted to see whether it is still worth


class GivenUp(Exception):
    """A picture is no longer wanted."""


@runtime_checkable
class Source(Protocol[Picture_co]):
    """Pictures in order, from a thread of their own."""

    def ready(self, timeout_s: float) -> bool:
        """Wait until ``__next__`` would not block; False if that takes longer."""
        ...

    def __next__(self) -> Picture_co:
        """The next picture; raises what went wrong on the way to it, and StopIteration."""
        ...


class SharedPictures(Generic[Picture]):
    """Keeps pictures by their place in the video until they are released.

    Nobody is in charge of filling it: who needs a picture that has not come yet gets it.

    Args:
        source: where pictures come from; asked by one thread at a time.
        capacity: at most so many are kept, however far ahead somebody wants to look.
        changed: the condition that guards this and everything that decides whether to wait.
        first: the place of the source's first picture.
    """

    def __init__(
        self, source: Source[Picture], capacity: int, changed: Condition, first: int = 0
    ) -> None:
        self._source = source
        self._capacity = capacity
        self._changed = changed
        self._kept: deque[Picture] = deque()
        self._floor = first
        self._asking = False
        self._ended = False

    def get(self, place: int, is_wanted: Callable[[], bool]) -> Picture | None:
        """The picture at a place, as soon as it is there; None behind the end of the video.

        Raises:
            GivenUp: ``is_wanted`` has become False.
        """
        while True:
            with self._changed:
                while is_wanted() and not self._can_answer(place) and self._must_wait():
                    self._changed.wait()
                if not is_wanted():
                    raise GivenUp
                if self._can_answer(place):
                    at = place - self._floor
                    return self._kept[at] if at < len(self._kept) else None
                self._asking = True
            self._fetch(is_wanted)

    def release(self, floor: int) -> None:
        """Let go of everything before this place; the condition is held, and told."""
        while self._floor < floor and self._kept:
            self._kept.popleft()
            self._floor += 1

    def ends_before(self, place: int) -> bool:
        """Whether it is known that there is no picture at this place; the condition is held."""
        return self._ended and place >= self._floor + len(self._kept)

    def _can_answer(self, place: int) -> bool:
        return self._ended or place < self._floor + len(self._kept)

    def _must_wait(self) -> bool:
        return self._asking or len(self._kept) >= self._capacity

    def _fetch(self, is_wanted: Callable[[], bool]) -> None:
        """Get one more picture, waiting for the decoder without holding the condition."""
        new: list[Picture] = []
        ended = False
        try:
            while not self._source.ready(_LOOK_UP_S):
                if not is_wanted():
                    raise GivenUp
            try:
                new.append(next(self._source))
            except StopIteration:
                ended = True
        finally:
            with self._changed:
                self._kept.extend(new)
                self._ended |= ended
                self._asking = False
                self._changed.notify_all()
