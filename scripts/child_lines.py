"""What child processes write, on our terminal: every line with its writer's name in front."""

import itertools
import sys
import threading
from typing import TextIO

_COLOURS = (36, 32, 35, 33, 34, 96, 92, 95)


class ChildLines:
    """Writes whole lines from several threads; names are coloured on a terminal.

    Args:
        out: where to.
        width: of the widest name expected.
    """

    def __init__(self, out: TextIO = sys.stdout, *, width: int = 7) -> None:
        self._out = out
        self._width = width
        self._colours = itertools.cycle(_COLOURS)
        self._colour_of: dict[str, int] = {}
        self._lock = threading.Lock()

    def __call__(self, name: str, line: str) -> None:
        with self._lock:
            shown = f"{name:<{self._width}} |"
            if self._out.isatty():
                colour = self._colour_of.setdefault(name, next(self._colours))
                shown = f"\x1b[{colour}m{shown}\x1b[0m"
            self._out.write(f"{shown} {line}\n")
            self._out.flush()
