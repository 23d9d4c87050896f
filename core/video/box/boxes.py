"""The boxes of one process: those in use, and one that is warm already for the next video."""

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock

from core.closing import Closing
from core.errors import ConfigInvalid, DecoderLost, LiftError
from core.video.box.limits import BoxLimits
from core.video.box.process import Box
from core.video.box.reader import BoxedReader
from core.video.box.rehearsal import PICTURES, SHRUNK_SIDE_PX, make_clip
from core.video.box.walls import Walls
from core.video.reader import VideoReader
from core.video.sandbox import Sandbox

log = logging.getLogger(__name__)


class DecoderBoxes(Closing):
    """Opens each video in a box of its own, which is ended when the video is closed.

    Args:
        limits: of each box.
        module: what is run in them.
    """

    def __init__(self, limits: BoxLimits | None = None, *, module: str = "core.video.box") -> None:
        self._limits = limits or BoxLimits()
        self._module = module
        self._filtered = True
        self._lock = Lock()
        self._spare: Box | None = None
        self._closed = False
        self._walls: Walls | None = None

    def check(self, wanted: Sandbox = Sandbox.AUTO) -> Walls:
        """Decode a small clip in a box, and say which walls stood around it.

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
                "Videos cannot be decoded in a box on this system; the log says why. "
                "POSELIFT_SANDBOX=off decodes them without one."
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

    @contextmanager
    def open(self, video: Path) -> Iterator[VideoReader]:
        """The video, decoded in a box for as long as the block runs.

        Raises:
            NotAVideo: there is no such file, or it cannot be read.
        """
        reader = BoxedReader(video, self._take, self._limits)
        try:
            yield reader
        finally:
            reader.close()
            self._warm_up()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._spare is not None:
                self._spare.close()
                self._spare = None

    def _rehearse(self) -> Walls | None:
        """The walls, if pictures came through them."""
        try:
            box = self._start()
            with box, tempfile.TemporaryDirectory() as folder:
                walls = box.walls()
                clip = make_clip(Path(folder) / "clip.avi")
                reader = BoxedReader(clip, lambda: box, self._limits)
                try:
                    shrunk = reader.pictures(reader.probe(), longest_side_px=SHRUNK_SIDE_PX)
                    pictures = sum(1 for _ in shrunk)
                finally:
                    reader.close()
        except LiftError as error:
            log.warning("a rehearsal of decoding failed: %s", error.detail)
            return None
        return walls if pictures == PICTURES else None

    def _take(self) -> Box:
        with self._lock:
            box, self._spare = self._spare, None
        if box is not None and box.is_alive:
            return box
        return self._start()

    def _warm_up(self) -> None:
        with self._lock, suppress(DecoderLost):  # whoever needs one next will say so
            if self._spare is None and not self._closed:
                self._spare = self._start()

    def _start(self) -> Box:
        return Box(self._limits, filtered=self._filtered, module=self._module)
