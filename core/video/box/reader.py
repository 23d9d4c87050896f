"""A video that is decoded in a box, from the side of whoever wants its pictures."""

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame

from core.box.channel import Message, Nonsense
from core.box.limits import BoxLimits
from core.box.planes import Run
from core.box.process import Box
from core.box.refusals import read_error
from core.errors import NotAVideo, VideoError
from core.video.box.answers import (
    PictureHeader,
    read_facts,
    read_header,
    read_report,
)
from core.video.box.kind import VIDEO
from core.video.facts import DecodeReport, FrameSelection, VideoFacts, VideoLimits
from core.video.stored import StoredPicture, stored_size


class BoxedReader:
    """Answers like ``read_here``, by asking a box. See :class:`core.video.reader.VideoReader`.

    Args:
        video: the file; only we open it, and only for reading.
        take_box: a box that has seen no file.
        limits: of the box.

    Raises:
        NotAVideo: there is no such file, or it cannot be read.
    """

    def __init__(self, video: Path, take_box: Callable[[], Box], limits: BoxLimits) -> None:
        try:
            self._file = video.open("rb", buffering=0)
        except OSError as error:
            raise NotAVideo(f"'{video.name}' cannot be read: {error.strerror}.") from None
        self._take_box = take_box
        self._limits = limits
        self._box: Box | None = None

    def close(self) -> None:
        """End the box at once, whatever it does."""
        self._end_box()
        self._file.close()

    def probe(
        self, limits: VideoLimits | None = None, on_step: Callable[[], None] = lambda: None
    ) -> VideoFacts:
        limits = limits or VideoLimits()
        with self._asked({"probe": asdict(limits)}, on_step) as box:
            return read_facts(self._answer(box, on_step), limits)

    def pictures(
        self,
        facts: VideoFacts,
        selection: FrameSelection | None = None,
        report: DecodeReport | None = None,
        limits: VideoLimits | None = None,
        on_step: Callable[[], None] = lambda: None,
        *,
        longest_side_px: int | None = None,
    ) -> Generator[StoredPicture]:
        asked = {
            "facts": asdict(facts),
            "selection": asdict(selection or FrameSelection()),
            "limits": asdict(limits or VideoLimits()),
            "longest_side_px": longest_side_px,
        }
        report = report if report is not None else DecodeReport()
        with self._asked({"pictures": asked}, on_step) as box:
            yield from self._drawn(box, stored_size(facts, longest_side_px), report, on_step)

    def _drawn(
        self,
        box: Box,
        size: tuple[int, int],
        report: DecodeReport,
        on_step: Callable[[], None],
    ) -> Generator[StoredPicture]:
        last_index, last_s = -1, float("-inf")
        while "end" not in (message := self._answer(box, on_step)):
            header = read_header(message, size)
            if header.index <= last_index or header.time_s <= last_s:
                raise Nonsense("pictures out of order")
            last_index, last_s = header.index, header.time_s
            image = self._image(box, header, on_step)
            _copy(header.report, report)
            yield StoredPicture(header.index, header.time_s, image)
        _copy(read_report(message, "end"), report)

    def _image(self, box: Box, header: PictureHeader, on_step: Callable[[], None]) -> VideoFrame:
        image = VideoFrame(header.width, header.height, header.format)
        image.colorspace, image.color_range = header.colorspace, header.color_range
        heights = [plane.height for plane in image.planes]
        planes = list(zip(header.lines, heights, strict=True))
        for run, rows in box.runs(planes, lambda: self._answer(box, on_step)):
            _copy_rows(run, rows, image)
        return image

    @contextmanager
    def _asked(self, request: Message, on_step: Callable[[], None]) -> Iterator[Box]:
        """A box that knows the file and has been asked; the last one, if it is still good.

        Unless the block runs to its end, the box is in the middle of something, and ended.
        """
        box = self._box
        is_new = box is None or not box.is_alive
        if box is None or is_new:
            self._end_box()
            box = self._box = self._take_box()
        try:
            if is_new:
                box.give(self._file.fileno(), on_step)
            box.send(request)
            yield box
        except Nonsense as nonsense:
            raise box.distrust(nonsense) from None
        except BaseException:
            box.close()
            raise

    def _end_box(self) -> None:
        if self._box is not None:
            self._box.close()

    def _answer(self, box: Box, on_step: Callable[[], None]) -> Message:
        """The next message that is more than a sign of life."""
        while "alive" in (message := box.receive(on_step)):
            pass
        if "error" in message:
            raise read_error(message, VideoError, VIDEO.noun, self._limits)
        return message


def _copy_rows(run: Run, content: memoryview, image: VideoFrame) -> None:
    rows = np.frombuffer(content, np.uint8).reshape(run.rows, run.line_bytes)
    plane = image.planes[run.plane]
    own = np.asarray(memoryview(plane)).reshape(plane.height, plane.line_size)  # pyright: ignore[reportArgumentType]
    width = min(plane.line_size, run.line_bytes)
    own[run.first_row : run.first_row + run.rows, :width] = rows[:, :width]


def _copy(source: DecodeReport, target: DecodeReport) -> None:
    for field in fields(DecodeReport):
        setattr(target, field.name, getattr(source, field.name))
