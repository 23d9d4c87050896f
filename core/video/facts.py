"""Words about video that need no decoder: the facts of a file, limits, a selection, a report.

Imports nothing but the standard library, because the decoder's box starts anew for every job.
"""

from dataclasses import dataclass
from typing import Protocol, Self, runtime_checkable


@runtime_checkable
class AskedFrames(Protocol):
    """Whatever says which frames somebody wants, such as the options of a job."""

    @property
    def stride(self) -> int: ...
    @property
    def max_fps(self) -> float | None: ...
    @property
    def start_s(self) -> float: ...
    @property
    def end_s(self) -> float | None: ...


@dataclass(frozen=True)
class VideoFacts:
    """What a file's headers and its first picture say.

    Attributes:
        width_px: of the upright picture, as every ``Frame`` has it.
        height_px: of the upright picture.
        rotation_deg: how far stored pictures are turned clockwise to stand upright: 0, 90, 180 or
            270.
        duration_s: of the picture stream; ``None`` if the file does not say.
        frame_count_estimate: from the header, or duration times rate; ``None`` if neither is known.
        average_fps: frames a second as the container has it; a hint only, rates vary.
        codec: FFmpeg's name, such as ``h264``.
        container: ``mp4``, ``mov``, ``mkv``, ``webm``, ``avi`` or ``ts``, by content.
        stored_width_px: as stored, before rotation and before pixels are made square.
        stored_height_px: as stored.
        has_audio: whether there is sound, which is ignored.
        start_s: time of the first picture on the file's own clock; zero in most files.
        focal_length_35mm: of the lens, as a 35-mm equivalent in mm; ``None`` if the file does not
            say, or nothing that can be.
    """

    width_px: int
    height_px: int
    rotation_deg: int
    duration_s: float | None
    frame_count_estimate: int | None
    average_fps: float | None
    codec: str
    container: str
    stored_width_px: int
    stored_height_px: int
    has_audio: bool = False
    start_s: float = 0.0
    focal_length_35mm: float | None = None


@dataclass(frozen=True)
class VideoLimits:
    """What we accept. Checked against the headers before any picture is decoded."""

    min_side_px: int = 8
    max_side_px: int = 16_384
    max_pixels: int = 8192 * 8192
    max_duration_s: float = 24 * 3600.0
    max_streams: int = 64


@dataclass(frozen=True)
class FrameSelection:
    """Which frames of a video are used.

    Attributes:
        stride: every n-th frame, counted from the first one in the time range.
        max_fps: at most so many frames a second, by their times.
        start_s: seconds from the first picture, as a player counts them.
        end_s: seconds from the first picture; that moment itself is no longer used.
    """

    stride: int = 1
    max_fps: float | None = None
    start_s: float = 0.0
    end_s: float | None = None

    @classmethod
    def of(cls, options: AskedFrames) -> Self:
        return cls(options.stride, options.max_fps, options.start_s, options.end_s)


@dataclass
class DecodeReport:
    """What happened while a video was decoded; filled in as its frames are drawn.

    Attributes:
        frames_decoded: pictures that came out of the decoder, used or not. A seek to the start
            of the range leaves out those before it.
        frames_used: those that were handed on.
        decode_errors: pictures and packets that were damaged and left out.
        times_repaired: frames whose stored time was missing or not later than the one before.
        truncated: the file ends, or becomes unreadable, before the end that its header promises.
    """

    frames_decoded: int = 0
    frames_used: int = 0
    decode_errors: int = 0
    times_repaired: int = 0
    truncated: bool = False

    def of_decoding(self, other: Self) -> None:
        """Say what another one says of decoding, that is, all but ``frames_used``."""
        self.frames_decoded = other.frames_decoded
        self.decode_errors = other.decode_errors
        self.times_repaired = other.times_repaired
        self.truncated = other.truncated
