"""One video file, opened: looked at first, then decoded. Here, or in a process of its own."""

from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from core.video.facts import DecodeReport, FrameSelection, VideoFacts, VideoLimits
from core.video.gpu_decoding import GpuDecoding
from core.video.pictures import probe, stream_pictures
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
def read_here(video: Path, gpu: GpuDecoding | None = None) -> Iterator[VideoReader]:
    """Decode in this process, or on a GPU where that is faster: for files whose owner runs it."""
    yield _ReaderHere(video, gpu)


@dataclass(frozen=True)
class _ReaderHere:
    video: Path
    gpu: GpuDecoding | None

    def probe(
        self, limits: VideoLimits | None = None, on_step: Callable[[], None] = lambda: None
    ) -> VideoFacts:
        return probe(self.video, limits, on_step)

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
            self.video,
            facts,
            selection,
            report,
            limits,
            on_step,
            longest_side_px=longest_side_px,
            accelerator=None if self.gpu is None else self.gpu.chosen(self.video, facts, limits),
        )
