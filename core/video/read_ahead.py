"""Work that goes on in a thread of its own, a bounded number of items ahead of who needs them."""

from collections import deque
from collections.abc import Callable, Generator
from threading import Condition, Thread
from types import TracebackType
from typing import Generic, Self, TypeVar

Item = TypeVar("Item")


class _Abandoned(Exception):
    """Nobody wants any more items."""


class ReadAhead(Generic[Item]):
    """Runs a generator in a thread, from the start of the block to its end.

    Errors come out in their place, after the items before them. To be drawn from by one thread at
    a time.

    Args:
        make: makes the generator, given a function that it must call now and then, however long it
            takes to the next item: that ends it when nobody wants more.
        ahead: how many items may wait.
        name: of the thread.
    """

    def __init__(
        self,
        make: Callable[[Callable[[], None]], Generator[Item]],
        ahead: int,
        name: str = "read-ahead",
    ) -> None:
        self._make = make
        self._ahead = ahead
        self._items: deque[Item] = deque()
        self._changed = Condition()
        self._error: BaseException | None = None
        self._ended = False
        self._stopping = False
        self._thread = Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._thread.join()
        self._items.clear()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Item:
        with self._changed:
            self._changed.wait_for(self._is_ready)
            if self._items:
                item = self._items.popleft()
                # Woken for each, the thread would make one item at a time, and cost a wake-up each.
                if len(self._items) <= self._ahead // 2:
                    self._changed.notify_all()
                return item
            if self._error is not None:
                error, self._error = self._error, None
                raise error
            raise StopIteration

    def ready(self, timeout_s: float) -> bool:
        """Wait until the next item, the end or an error is there; False if it takes longer."""
        with self._changed:
            return self._changed.wait_for(self._is_ready, timeout_s)

    def _is_ready(self) -> bool:
        return bool(self._items) or self._ended

    def _run(self) -> None:
        try:
            items = self._make(self._go_on)
            try:
                for item in items:
                    self._hand_over(item)
            finally:
                items.close()
        except _Abandoned:
            pass
        except BaseException as error:
            self._error = error
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _go_on(self) -> None:
        if self._stopping:
            raise _Abandoned

    def _hand_over(self, item: Item) -> None:
        with self._changed:
            self._changed.wait_for(lambda: len(self._items) < self._ahead or self._stopping)
            self._go_on()
            self._items.append(item)
            self._changed.notify_all()
