"""Opens a video file so that nothing in it, or in its name, can reach another file or the network.

FFmpeg guesses formats and follows references: a playlist, a ``concat`` script or a name such as
``http://...`` would be obeyed. So the format is decided by our own look at the first bytes, the
path is given as ``file:`` plus an absolute path, and every protocol but ``file`` is forbidden. A
process that may open nothing gets the open file, and FFmpeg's ``fd`` is the one protocol it has.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import av
from av.codec.hwaccel import HWAccel
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition
from av.video.stream import VideoStream

from core.cores import usable_cores
from core.errors import (
    CodecUnsupported,
    NotAVideo,
    VideoError,
    VideoHasNoFrames,
    VideoHasNoPictures,
    VideoTooLarge,
    VideoTooLong,
    VideoTooSmall,
    VideoTruncated,
)
from core.video.facts import VideoLimits
from core.video.shortage import raise_if_memory_is_short
from core.video.signatures import HEAD_BYTES, Container, sniff

VideoFile = Path | int
"""A file by its path, or the descriptor of an open one, which is not closed here."""

CODECS = ("h264", "hevc", "vp9", "av1", "mpeg4", "mjpeg")

_DECODER_THREADS = 4
"""Pictures decoded side by side. As fixed a number as can be, because what a decoder makes of
damaged pictures depends on it; more would hold more pictures in full size and be faster than
anybody needs."""
_FEW_CORES = 2
"""On so few it decodes ordinary pictures one by one: threads of its own would get into the way of
those who look at them."""
_FULL_HD_PIXELS = 1920 * 1088  # beyond this, one thread may be what everybody waits for

# Sound, subtitles and all other codecs stay unopened: what is not run cannot be attacked.
_DECODERS = ",".join((*CODECS, "libdav1d"))

_DEMUXERS = {
    Container.MP4: "mp4",
    Container.MOV: "mov",
    Container.MKV: "matroska",
    Container.WEBM: "matroska",
    Container.AVI: "avi",
    Container.TS: "mpegts",
}
# A cover image, chapter thumbnails or a poster are pictures, but no video.
_NOT_MOVING = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image


@dataclass(frozen=True)
class OpenVideo:
    """An open file and the one picture stream in it that is used.

    Attributes:
        is_cut: the file is shorter than its own header says.
        is_on_gpu: the GPU decodes it, and its pictures have interleaved colours.
    """

    container: InputContainer
    stream: VideoStream
    kind: Container
    codec: str
    is_cut: bool = False
    is_on_gpu: bool = False


@contextmanager
def open_video(
    path: VideoFile, limits: VideoLimits, accelerator: HWAccel | None = None
) -> Iterator[OpenVideo]:
    """Open a file, check it against the limits, and close it whatever happens. Decodes nothing.

    Args:
        path: the file.
        limits: what is accepted.
        accelerator: decodes it if it can; otherwise the processor does.

    Raises:
        NotAVideo: missing, empty, or no video by its content.
        VideoTruncated: begins like a video, but its headers cannot be read.
        VideoHasNoPictures: sound only; a cover image does not count.
        CodecUnsupported: a container or codec that is not on the list.
        VideoTooSmall: a side is too short to see a person in.
        VideoTooLarge: a picture would take too much memory.
        VideoTooLong: longer than allowed.
        VideoError: more streams than any honest recording has.
    """
    head = _head(path)
    kind = sniff(head)
    with _open(path, kind, _DECODERS, limits.max_pixels, accelerator) as container:
        if len(container.streams) > limits.max_streams:
            raise VideoError(
                f"The file holds {len(container.streams)} streams; "
                f"at most {limits.max_streams} are read."
            )
        stream = _moving_pictures(container)
        codec, is_cut = _codec(stream), _is_cut(path, kind, head)
        is_on_gpu = stream.codec_context.is_hwaccel
        video = OpenVideo(container, stream, kind, codec, is_cut, is_on_gpu)
        # A size over the limit stops FFmpeg from looking further, and reads as unknown.
        size = (stream.width, stream.height) if stream.width else _claimed_size(path, kind)
        check_size(*size, limits)
        _check_duration(duration_s(video), limits)
        # A stream may change its size on the way: the limit holds for every picture.
        stream.codec_context.options = {"max_pixels": str(limits.max_pixels)}
        stream.thread_type = "FRAME"
        stream.codec_context.thread_count = 1 if is_on_gpu else _decoder_threads(*size)
        yield video


def _decoder_threads(width_px: int, height_px: int) -> int:
    is_ordinary = width_px * height_px <= _FULL_HD_PIXELS
    return 1 if is_ordinary and usable_cores() <= _FEW_CORES else _DECODER_THREADS


def check_size(width_px: int, height_px: int, limits: VideoLimits) -> None:
    """Refuse pictures that are too small or too large.

    Raises:
        VideoHasNoFrames: the size is unknown, because there is no picture to tell it.
        VideoTooSmall: a side is below the limit.
        VideoTooLarge: a side or the area is above the limit.
    """
    size = f"The picture is {width_px} x {height_px} px"
    if min(width_px, height_px) <= 0:
        raise VideoHasNoFrames("The file has a picture stream, but no picture in it.")
    if min(width_px, height_px) < limits.min_side_px:
        raise VideoTooSmall(f"{size}; each side must have at least {limits.min_side_px} px.")
    too_wide = max(width_px, height_px) > limits.max_side_px
    if too_wide or width_px * height_px > limits.max_pixels:
        raise VideoTooLarge(
            f"{size}; at most {limits.max_side_px} px a side and "
            f"{limits.max_pixels / 1e6:.3g} megapixels are read. Scale the video down."
        )


def duration_s(video: OpenVideo) -> float | None:
    """Length of the picture stream in seconds, or ``None`` where the file does not say."""
    stream, container = video.stream, video.container
    if stream.duration is not None and stream.time_base is not None:
        return _positive(float(stream.duration * stream.time_base))
    tagged = _tagged_duration_s(stream.metadata)
    if tagged is not None:
        return tagged
    return _positive(container.duration / av.time_base) if container.duration else None


def promised_end_s(video: OpenVideo) -> float | None:
    """When the last picture should be over, on the file's clock; ``None`` if that is not known.

    Sound may go on longer than the pictures, so a length of the whole file counts only without it.
    """
    stream, container = video.stream, video.container
    if video.kind is Container.TS:
        return None  # estimated from what is there
    own = stream.duration is not None or _tagged_duration_s(stream.metadata) is not None
    length_s = duration_s(video) if own or not container.streams.audio else None
    if length_s is None or stream.time_base is None:
        return None
    return float((stream.start_time or 0) * stream.time_base) + length_s


def _head(path: VideoFile) -> bytes:
    try:
        if isinstance(path, int):
            return os.pread(path, HEAD_BYTES, 0)
        with path.open("rb") as file:
            return file.read(HEAD_BYTES)
    except OSError as error:
        name = "The file" if isinstance(path, int) else f"'{path.name}'"
        raise NotAVideo(f"{name} cannot be read: {error.strerror}.") from None


def _is_cut(path: VideoFile, kind: Container, head: bytes) -> bool:
    """FFmpeg adapts the length of an AVI to what is there, so its own size field is asked."""
    if kind is not Container.AVI:
        return False
    riff_bytes = int.from_bytes(head[4:8], "little")
    file_bytes = os.stat(path).st_size  # noqa: PTH116 - a Path cannot be a descriptor
    return riff_bytes < 0xFFFFFFFF and file_bytes < riff_bytes + 8


def _open(
    path: VideoFile,
    kind: Container,
    decoders: str,
    max_pixels: int = 0,
    accelerator: HWAccel | None = None,
) -> InputContainer:
    if accelerator is not None:
        # A GPU without memory left fails here; the processor decodes the same.
        with suppress(FFmpegError):
            return _opened(path, kind, decoders, max_pixels, accelerator)
    try:
        return _opened(path, kind, decoders, max_pixels)
    except (FFmpegError, ValueError) as error:
        raise_if_memory_is_short(error)
        raise VideoTruncated(
            f"The file begins like {kind.value.upper()}, but cannot be read: it is cut off or "
            "damaged. Copy or upload it again."
        ) from error


def _opened(
    path: VideoFile,
    kind: Container,
    decoders: str,
    max_pixels: int,
    accelerator: HWAccel | None = None,
) -> InputContainer:
    url, options = _address(path)
    options |= {
        "format_whitelist": _DEMUXERS[kind],
        "enable_drefs": "0",
        "codec_whitelist": decoders,
    }
    if max_pixels:
        options["max_pixels"] = str(max_pixels)
    return av.open(
        url,
        format=_DEMUXERS[kind],
        options=options,
        metadata_errors="replace",
        hwaccel=accelerator,
    )


def _address(path: VideoFile) -> tuple[str, dict[str, str]]:
    """What FFmpeg calls the file, and the one protocol that it may use."""
    if isinstance(path, int):
        # FFmpeg reads on from where the file stands, and everybody who has it open shares that.
        os.lseek(path, 0, os.SEEK_SET)
        return "fd:", {"protocol_whitelist": "fd", "fd": str(path)}
    # "file:" keeps a name such as "concat:a|b" or "http://host" from being read as a protocol.
    return f"file:{path.absolute()}", {"protocol_whitelist": "file"}


def _claimed_size(path: VideoFile, kind: Container) -> tuple[int, int]:
    """Width and height in the headers, however absurd; (0, 0) if they are really missing."""
    # No decoder may look: one that finds a size it cannot handle erases it.
    with _place_kept(path), _open(path, kind, decoders="none") as container:
        stream = _moving_pictures(container)
        return stream.width, stream.height


@contextmanager
def _place_kept(path: VideoFile) -> Iterator[None]:
    """Whoever else is reading the same open file finds it where it was."""
    if not isinstance(path, int):
        yield
        return
    place = os.lseek(path, 0, os.SEEK_CUR)
    try:
        yield
    finally:
        os.lseek(path, place, os.SEEK_SET)


def _moving_pictures(container: InputContainer) -> VideoStream:
    if not container.streams:
        raise VideoHasNoFrames("The file is an empty container: it holds no pictures.")
    streams = [s for s in container.streams.video if not s.disposition & _NOT_MOVING]
    if not streams:
        raise VideoHasNoPictures("The file has no picture stream. Upload a video with pictures.")
    return next((s for s in streams if s.disposition & Disposition.default), streams[0])


def _codec(stream: VideoStream) -> str:
    # No context means that FFmpeg itself has no decoder; AV1's decoder is called libdav1d.
    name = stream.codec_context.codec.canonical_name if stream.codec_context else "unknown"
    if name not in CODECS:
        raise CodecUnsupported(
            f"The codec '{name}' is not supported. Convert the video to {', '.join(CODECS[:-1])} "
            f"or {CODECS[-1]}."
        )
    return name


def _check_duration(length_s: float | None, limits: VideoLimits) -> None:
    if length_s is not None and length_s > limits.max_duration_s:
        raise VideoTooLong(
            f"The video lasts {length_s / 3600:.1f} hours; at most "
            f"{limits.max_duration_s / 3600:.1f} are accepted. Cut it into parts."
        )


def _tagged_duration_s(metadata: dict[str, str]) -> float | None:
    """Matroska's per-track ``DURATION`` tag, such as ``00:01:02.345000000``."""
    try:
        hours, minutes, seconds = metadata.get("DURATION", "").split(":")
        return _positive(int(hours) * 3600 + int(minutes) * 60 + float(seconds))
    except ValueError:
        return None


def _positive(value_s: float) -> float | None:
    return value_s if value_s > 0 else None
