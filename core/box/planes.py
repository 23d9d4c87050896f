"""How a picture's bytes travel: a few shared slots of memory, filled and emptied in turn."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

SLOTS = 4
SLOT_BYTES = 4 << 20
"""A 1080p picture as it is stored, in one piece; larger ones take several slots in turn."""


@dataclass(frozen=True)
class Run:
    """Some rows of one plane, in one slot.

    Attributes:
        plane: which of the picture's planes.
        first_row: of these, in the plane.
        rows: how many.
        offset: where in the slot they begin.
        line_bytes: from one row to the next.
    """

    plane: int
    first_row: int
    rows: int
    offset: int
    line_bytes: int

    @property
    def end(self) -> int:
        """The first byte of the slot behind them."""
        return self.offset + self.rows * self.line_bytes


def fill_slots(planes: Sequence[tuple[int, int]]) -> Iterator[list[Run]]:
    """What goes into one slot after the other; both sides work it out for themselves.

    Args:
        planes: bytes from row to row, and number of rows, of each.
    """
    runs: list[Run] = []
    for plane, (line_bytes, height) in enumerate(planes):
        row = 0
        while row < height:
            offset = runs[-1].end if runs else 0
            rows = min(height - row, (SLOT_BYTES - offset) // line_bytes)
            if rows == 0:
                yield runs
                runs = []
                continue
            runs.append(Run(plane, row, rows, offset, line_bytes))
            row += rows
    if runs:
        yield runs
