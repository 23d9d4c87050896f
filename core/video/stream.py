"""Video files in, upright RGB pictures with true times out, one at a time."""

from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path

from core.video.facts import DecodeReport, FrameSelection, VideoFacts, VideoLimits
from core.video.frames import Frame
from core.video.pictures import expected_frames, probe, stream_pictures
from core.video.upright import UprightRgb

__all__ = [
    "DecodeReport",
    "Frame",
    "FrameSelection",
    "VideoFacts",
    "VideoLimits",
    "expected_frames",
    "probe",
    "stream_frames",
    "stream_pictures",
]


def stream_frames(
    path: Path,
    facts: VideoFacts,
    selection: FrameSelection | None = None,
    report: DecodeReport | None = None,
    limits: VideoLimits | None = None,
    on_step: Callable[[], None] = lambda: None,
) -> Generator[Frame]:
    """The selected frames of a video, upright and in full size; see :func:`stream_pictures`."""
    to_rgb = UprightRgb(facts)
    with closing(stream_pictures(path, facts, selection, report, limits, on_step)) as pictures:
        yield from map(to_rgb.frame, pictures)
