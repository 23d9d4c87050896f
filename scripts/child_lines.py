"""What child processes write, passed on: with names in front for people, or as JSON."""

import itertools
import json
import sys
import threading
from collections.abc import Callable
from typing import TextIO

from core.event_log.lines import LogFormat, mask

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


class ChildJson:
    """Writes whole lines from several threads; what is no JSON object yet becomes one.

    Args:
        out: where to.
    """

    def __init__(self, out: TextIO = sys.stdout) -> None:
        self._out = out
        self._lock = threading.Lock()

    def __call__(self, name: str, line: str) -> None:
        with self._lock:
            self._out.write(f"{_as_json(name, line)}\n")
            self._out.flush()


def lines_of(log_format: LogFormat) -> Callable[[str, str], None]:
    """Passes children's lines on to standard output, in the form that was asked for."""
    return ChildJson() if log_format is LogFormat.JSON else ChildLines()


def _as_json(name: str, line: str) -> str:
    """The line itself, if it is an event already: libraries and crashes write what they like."""
    try:
        is_event = isinstance(json.loads(line), dict)
    except ValueError:
        is_event = False
    return line if is_event else json.dumps({"process": name, "message": mask(line)})
