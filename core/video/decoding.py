"""Packets into pictures with times: past damage, and from any point of the file."""

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import ClassVar

from av.error import FFmpegError
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from core.video.containers import OpenVideo, promised_end_s
from core.video.facts import DecodeReport
from core.video.frame_times import FrameClock, TickQueue
from core.video.shortage import raise_if_memory_is_short
from core.video.signatures import Container

FALLBACK_FPS = 25.0
"""Assumed where a file gives no rate; only repaired times depend on it."""

PREROLL_S = 2.0
"""Decoding starts at a keyframe at least this long before the wanted time. Streams with gradual
refresh call a picture a keyframe that becomes whole only some pictures later."""

END_TOLERANCE_S = 0.5
"""A video that stops this much before its promised end is not yet called truncated: durations in
headers are rounded, and some count a last picture that nobody stored."""

_MOST_REORDERING = 2  # B-frames that refer to B-frames; deeper pyramids do not occur in AVI


@dataclass(frozen=True, eq=False)
class Picture:
    """One decoded picture, as stored.

    Attributes:
        order: how many pictures came out of the decoder before it.
        time_s: on the file's own clock, strictly increasing.
        damaged: the decoder filled in what it could not read.
    """

    order: int
    time_s: float
    image: VideoFrame
    damaged: bool


@dataclass(frozen=True)
class Entry:
    """Where decoding may begin so that everything from a wanted time on comes out right.

    Attributes:
        packets: how many packets to pass over undecoded.
        pictures: how many pictures are shown before the wanted time.
    """

    packets: int
    pictures: int


def decode_pictures(
    video: OpenVideo,
    fps: float | None,
    report: DecodeReport,
    skip_packets: int = 0,
    on_step: Callable[[], None] = lambda: None,
) -> Generator[Picture]:
    """Every picture that can be decoded, in order of presentation.

    Packets and pictures that cannot be decoded are counted and left out. If reading breaks off, or
    the file ends before it should, the report says ``truncated``; what came before is delivered.
    ``on_step`` is called for every packet that is read.
    """
    step_s = 1 / (fps or FALLBACK_FPS)
    clock = FrameClock(step_s)
    planar = _Planar() if video.is_on_gpu else None
    ticks = _tick_queue(video)
    end_s = None
    packets = islice(_packets(video, report, on_step), skip_packets, None)
    for order, image in enumerate(_images(video, report, ticks, packets)):
        stamp = image.pts if ticks is None else _shown_tick(image, ticks)
        time_s = clock.stamp(_seconds(video, stamp))
        end_s = time_s + max(_seconds(video, image.duration) or 0.0, step_s)
        report.frames_decoded += 1
        report.times_repaired = clock.repaired
        is_damaged = image.is_corrupt
        report.decode_errors += is_damaged
        yield Picture(order, time_s, image if planar is None else planar(image), is_damaged)
    promised_s = promised_end_s(video)
    report.truncated |= video.is_cut
    if end_s is not None and promised_s is not None and end_s < promised_s - END_TOLERANCE_S:
        report.truncated = True


def find_entry(
    video: OpenVideo, time_s: float, on_step: Callable[[], None] = lambda: None
) -> Entry | None:
    """Read packets, decoding none, up to the pictures shown at ``time_s`` on the file's clock.

    Only where a packet is exactly one picture with a stored time, and the order in the file can be
    trusted; elsewhere ``None``, and whoever asks decodes from the beginning. The packets are
    counted rather than sought: the picture's number must be right, and reading costs a hundredth
    of decoding.
    """
    if video.kind in {Container.AVI, Container.TS}:
        return None
    packets = pictures = 0
    last_stored_s: float | None = None
    for number, packet in enumerate(_packets(video, DecodeReport(), on_step)):
        shown_s, stored_s = _seconds(video, packet.pts), _seconds(video, packet.dts)
        if shown_s is None or packet.is_corrupt or not _follows(stored_s, last_stored_s):
            return None
        last_stored_s = stored_s
        if stored_s is not None and stored_s >= time_s:  # nothing is shown before it is stored
            break
        pictures += shown_s < time_s and not packet.is_discard
        if packet.is_keyframe and shown_s <= time_s - PREROLL_S:
            packets = number
    return Entry(packets, pictures)


def _follows(stored_s: float | None, last_s: float | None) -> bool:
    # Matroska has no decoding times; FFmpeg works them out, but for the first few packets.
    return last_s is None or (stored_s is not None and stored_s > last_s)


class _Planar:
    """Takes a GPU's interleaved colours apart, as decoders on processors say them."""

    _FORMATS: ClassVar = {"nv12": "yuv420p", "p010le": "yuv420p10le"}

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()

    def __call__(self, image: VideoFrame) -> VideoFrame:
        wanted = self._FORMATS.get(image.format.name)
        return self._reformatter.reformat(image, format=wanted, threads=1) if wanted else image


def _images(
    video: OpenVideo, report: DecodeReport, ticks: TickQueue | None, packets: Iterable[Packet]
) -> Iterator[VideoFrame]:
    for packet in packets:
        if ticks is not None and packet.dts is not None:
            ticks.put(packet.dts)
            packet.opaque = packet.dts
        yield from _decoded(video, packet, report)
    yield from _decoded(video, None, report)


def _tick_queue(video: OpenVideo) -> TickQueue | None:
    if video.kind is not Container.AVI:
        return None
    context = video.stream.codec_context
    context.copy_opaque = True  # a packet's position travels with its picture
    return TickQueue(reorder=_MOST_REORDERING if context.has_b_frames else 0)


def _shown_tick(image: VideoFrame, ticks: TickQueue) -> int | None:
    return ticks.take(image.opaque) if isinstance(image.opaque, int) else None


def _packets(
    video: OpenVideo, report: DecodeReport, on_step: Callable[[], None]
) -> Iterator[Packet]:
    try:
        for packet in video.container.demux(video.stream):
            on_step()
            if packet.size == 0:
                # An empty packet would tell the decoder that the video is over. AVI has them in
                # the middle, where a camera dropped a picture.
                continue
            yield packet
    except (FFmpegError, IndexError) as error:
        # PyAV trips over a stream that first appears halfway: IndexError.
        raise_if_memory_is_short(error)
        report.decode_errors += 1
        report.truncated = True


def _decoded(video: OpenVideo, packet: Packet | None, report: DecodeReport) -> list[VideoFrame]:
    try:
        return video.stream.decode(packet)
    except FFmpegError as error:
        raise_if_memory_is_short(error)
        report.decode_errors += 1
        return []


def _seconds(video: OpenVideo, stamp: int | None) -> float | None:
    base = video.stream.time_base
    return None if stamp is None or base is None else float(stamp * base)
