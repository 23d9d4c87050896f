"""Videos of strangers, each decoded in a box of its own."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from core.box.boxes import Boxes, Trial
from core.box.limits import BoxLimits
from core.box.process import Box
from core.video.box.kind import VIDEO
from core.video.box.reader import BoxedReader
from core.video.box.rehearsal import PICTURES, SHRUNK_SIDE_PX, make_clip
from core.video.reader import VideoReader


class DecoderBoxes(Boxes):
    """Opens each video in a box of its own, which is ended when the video is closed.

    Args:
        limits: of each box.
        module: what is run in them.
    """

    def __init__(self, limits: BoxLimits | None = None, *, module: str = VIDEO.module) -> None:
        super().__init__(replace(VIDEO, module=module), limits or BoxLimits())

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

    def _trials(self) -> Sequence[Trial]:
        return [self._reads_a_clip]

    def _reads_a_clip(self, box: Box) -> bool:
        with tempfile.TemporaryDirectory() as folder:
            clip = make_clip(Path(folder) / "clip.avi")
            reader = BoxedReader(clip, lambda: box, self._limits)
            try:
                shrunk = reader.pictures(reader.probe(), longest_side_px=SHRUNK_SIDE_PX)
                return sum(1 for _ in shrunk) == PICTURES
            finally:
                reader.close()
