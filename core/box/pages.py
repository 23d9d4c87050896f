"""Pictures on their way through the shared slots: put in by the box, taken out by us."""

import mmap
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from core.box.channel import Channel, Message, Nonsense
from core.box.planes import SLOT_BYTES, SLOTS, Run, fill_slots

Rows = Any
"""Whatever has bytes and lets them be read; Python 3.11 has no name for that."""


class Pages:
    """The shared slots, as the box sees them."""

    def __init__(self, channel: Channel, memory: mmap.mmap) -> None:
        self._channel = channel
        self._memory = memory
        self._free = SLOTS
        self._next = 0

    def send(self, header: Message, planes: Sequence[tuple[int, int, Rows]]) -> None:
        """Put a picture into as many slots as it takes, telling of each; waits for free ones.

        Args:
            header: what is told of it with the first slot.
            planes: bytes from row to row, number of rows, and the rows themselves, of each.
        """
        message: Message = {"picture": header}
        for runs in fill_slots([(line_bytes, height) for line_bytes, height, _ in planes]):
            self._wait_for_slot()
            start = self._next * SLOT_BYTES
            for run in runs:
                first = run.first_row * run.line_bytes
                rows = memoryview(planes[run.plane][2])[first : first + run.end - run.offset]
                self._memory[start + run.offset : start + run.end] = rows
            self._next = (self._next + 1) % SLOTS
            self._free -= 1
            self._channel.send(message)
            message = {"more": True}

    def note(self, message: Message) -> bool:
        """Whether the message says that a slot is free again."""
        self._free += "free" in message
        return "free" in message

    def _wait_for_slot(self) -> None:
        while self._free == 0:
            self.note(self._channel.receive() or {})


class PageReader:
    """Knows in which of the shared slots the next picture begins; all are free at first."""

    def __init__(self) -> None:
        self._next = 0

    def runs(
        self,
        memory: mmap.mmap,
        planes: Sequence[tuple[int, int]],
        next_message: Callable[[], Message],
        give_back: Callable[[], None],
    ) -> Iterator[tuple[Run, memoryview]]:
        """Every stretch of rows of a picture whose header has come, to be copied at once.

        Args:
            memory: the slots.
            planes: bytes from row to row, and number of rows, of each.
            next_message: waits for what the box says next.
            give_back: tells the box that a slot is free again.

        Raises:
            Nonsense: the box stops in the middle.
        """
        for number, runs in enumerate(fill_slots(planes)):
            if number > 0 and "more" not in next_message():
                raise Nonsense("half a picture")
            start = self._next * SLOT_BYTES
            for run in runs:
                yield run, memoryview(memory)[start + run.offset : start + run.end]
            self._next = (self._next + 1) % SLOTS
            give_back()
