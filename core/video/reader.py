"""One video file, opened: looked at first, then decoded. Here, or in a process of its own."""

from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol, runtime_checkable

from core.closing import Closing
from core.video.containers import VideoFile
from core.video.facts import DecodeReport, FrameSelection, VideoFacts, VideoLimits
from core.video.gpu_decoding import GpuDecoding
from core.video.pictures import FirstLook, stream_pictures
from core.video.stored import StoredPicture


@runtime_checkable
class VideoReader(Protocol):
    """What can be asked of an open video; whoever answers, the answers are the same bit for bit."""

    def probe(
        self, limits: VideoLimits | None = None, on_step: Callable[[], None] = lambda: None
    ) -> VideoFacts:
        """See :func:`core.video.pictures.probe`."""
        ...

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
        """See :func:`core.video.pictures.stream_pictures`.

        Some pictures may be RGB with square pixels already; whoever makes them upright must say
        the same ``longest_side_px``.
        """
        ...


OpensReader = Callable[[Path], AbstractContextManager[VideoReader]]


@contextmanager
def read_here(video: VideoFile, gpu: GpuDecoding | None = None) -> Iterator[VideoReader]:
    """Decode in this process, or on a GPU where that is faster: for files whose owner runs it."""
    with _ReaderHere(video, gpu) as reader:
        yield reader


class _ReaderHere(Closing):
    def __init__(self, video: VideoFile, gpu: GpuDecoding | None) -> None:
        self._video = video
        self._gpu = gpu
        self._look: FirstLook | None = None

    def probe(
        self, limits: VideoLimits | None = None, on_step: Callable[[], None] = lambda: None
    ) -> VideoFacts:
        self.close()
        self._look = FirstLook(self._video, limits, on_step)
        return self._look.facts

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
        limits = limits or VideoLimits()
        yield from stream_pictures(
            self._video,
            facts,
            selection,
            report,
            limits,
            on_step,
            longest_side_px=longest_side_px,
            accelerator=None if self._gpu is None else self._gpu.chosen(self._video, facts, limits),
            look=self._look,
        )

    def close(self) -> None:
        if self._look is not None:
            self._look.close()
