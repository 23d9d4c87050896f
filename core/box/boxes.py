"""The boxes of one process: those in use, and one that is warm already for the next file."""

import logging
from abc import abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Lock

from core.box.kind import BoxKind
from core.box.limits import BoxLimits
from core.box.process import Box
from core.box.sandbox import Sandbox
from core.box.walls import Walls
from core.closing import Closing
from core.errors import ConfigInvalid, DecoderLost, LiftError

log = logging.getLogger(__name__)

Trial = Callable[[Box], bool]
"""Whether something harmless, decoded in the box, comes out as it should."""


class Boxes(Closing):
    """Has a box for each file, and makes sure that the walls around it stand.

    Args:
        kind: what they are for.
        limits: of each box.
    """

    def __init__(self, kind: BoxKind, limits: BoxLimits) -> None:
        self._kind = kind
        self._limits = limits
        self._filtered = True
        self._lock = Lock()
        self._spare: Box | None = None
        self._closed = False
        self._walls: Walls | None = None

    def check(self, wanted: Sandbox = Sandbox.AUTO) -> Walls:
        """Decode something small in a box, and say which walls stood around it.

        Where that fails because the list of system calls is not right for this system, later boxes
        do without it, and with the other walls.

        Raises:
            ConfigInvalid: a box cannot decode here, or not with the walls wanted.
        """
        walls = self._rehearse()
        if walls is None:
            log.error("decoding fails where the kernel refuses other system calls; going without")
            self._filtered = False
            walls = self._rehearse()
        if walls is None:
            raise ConfigInvalid(
                f"{self._kind.noun.capitalize()}s cannot be decoded in a box on this system; the "
                "log says why. POSELIFT_SANDBOX=off decodes them without one."
            )
        if walls.open and wanted is Sandbox.REQUIRE:
            raise ConfigInvalid(
                f"POSELIFT_SANDBOX=require: a box is not closed here to {', '.join(walls.open)}. "
                "Linux 6.12 or newer has all that is needed; a container may forbid it."
            )
        self._walls = walls
        self._warm_up()
        return walls

    def __str__(self) -> str:
        return f"a box of {self._walls or 'unknown walls'}"

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._spare is not None:
                self._spare.close()
                self._spare = None

    @abstractmethod
    def _trials(self) -> Sequence[Trial]:
        """What has to work, each in a box of its own."""

    def _rehearse(self) -> Walls | None:
        """The walls, if pictures came through them."""
        walls = None
        try:
            for works_in in self._trials():
                with self._start() as box:
                    walls = box.walls()
                    if not works_in(box):
                        return None
        except LiftError as error:
            log.warning("a rehearsal of decoding failed: %s", error.detail)
            return None
        return walls

    def _take(self) -> Box:
        with self._lock:
            box, self._spare = self._spare, None
        if box is None:
            return self._start()
        if box.is_alive:
            return box
        box.close()  # something ended it while it waited, but not what we hold of it
        return self._start()

    def _warm_up(self) -> None:
        with self._lock, suppress(DecoderLost):  # whoever needs one next will say so
            if self._spare is None and not self._closed:
                self._spare = self._start()

    def _start(self) -> Box:
        return Box(self._limits, self._kind, filtered=self._filtered)
