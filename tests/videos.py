"""Makes small videos whose every frame says which one it is and which way is up.

Upright, each picture has a red block in its top left corner, green top right, blue bottom left and
white bottom right, and a band of black and white bars across the middle that spell the frame's
number in binary. So a test can see a wrong frame, a wrong turn, and a sheared picture.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

BITS = 10
CORNERS = {(0, 0): (220, 30, 30), (0, 1): (30, 200, 30), (1, 0): (30, 30, 220), (1, 1): (240,) * 3}
ENCODERS = {
    "h264": ("libx264", "yuv420p", {"preset": "ultrafast"}),
    "hevc": ("libx265", "yuv420p", {"preset": "ultrafast", "x265-params": "log-level=none"}),
    "vp9": ("libvpx-vp9", "yuv420p", {"deadline": "realtime", "cpu-used": "8"}),
    "av1": ("libsvtav1", "yuv420p", {"preset": "12", "crf": "15"}),
    "mpeg4": ("mpeg4", "yuv420p", {}),
    "mjpeg": ("mjpeg", "yuvj420p", {}),
}
FORMATS = {
    ".mp4": "mp4",
    ".mov": "mov",
    ".mkv": "matroska",
    ".webm": "webm",
    ".avi": "avi",
    ".ts": "mpegts",
}

Picture = Callable[[int, int, int], np.ndarray]


def paint(index: int, width: int, height: int) -> np.ndarray:
    """The upright picture of frame ``index``: ``(height, width, 3)`` uint8."""
    rgb = np.full((height, width, 3), 90, np.uint8)
    for (row, column), color in CORNERS.items():
        rows = slice(height - height // 4, None) if row else slice(0, height // 4)
        columns = slice(width - width // 4, None) if column else slice(0, width // 4)
        rgb[rows, columns] = color
    band = slice(height * 3 // 8, height * 5 // 8)
    for bit in range(BITS):
        columns = slice(width * bit // BITS, width * (bit + 1) // BITS)
        rgb[band, columns] = 235 if index >> bit & 1 else 20
    return rgb


def read_index(rgb: np.ndarray) -> int:
    """The number that ``paint`` wrote into an upright picture."""
    height, width = rgb.shape[:2]
    row = rgb[height // 2 - 2 : height // 2 + 2].mean(axis=(0, 2))
    middles = [row[int(width * (bit + 0.5) / BITS)] for bit in range(BITS)]
    return sum(1 << bit for bit, value in enumerate(middles) if value > 128)


def corners(rgb: np.ndarray) -> dict[tuple[int, int], tuple[int, int, int]]:
    """Mean color of each corner block's middle, by (row, column)."""
    height, width = rgb.shape[:2]
    found = {}
    for row, column in CORNERS:
        y, x = (
            (height - height // 8 if row else height // 8),
            (width - width // 8 if column else width // 8),
        )
        patch = rgb[y - 1 : y + 1, x - 1 : x + 1].reshape(-1, 3).mean(axis=0)
        found[row, column] = tuple(int(value) for value in patch)
    return found


def is_upright(rgb: np.ndarray, tolerance: int = 60) -> bool:
    """Whether every corner has the color that ``paint`` gave it."""
    seen = corners(rgb)
    return all(
        max(abs(a - b) for a, b in zip(seen[place], color, strict=True)) < tolerance
        for place, color in CORNERS.items()
    )


def make_video(
    path: Path,
    *,
    codec: str = "h264",
    container: str | None = None,
    size: tuple[int, int] = (128, 96),
    frames: int = 30,
    fps: float | Fraction = 30,
    times_s: Sequence[float] | None = None,
    rotation_deg: float = 0,
    with_audio: bool = False,
    audio_only: bool = False,
    pixel_format: str | None = None,
    gop: int = 12,
    b_frames: int | None = None,
    pixel_aspect: Fraction | None = None,
    options: dict[str, str] | None = None,
    muxer_options: dict[str, str] | None = None,
    tags: dict[str, str] | None = None,
    picture: Picture = paint,
) -> Path:
    """Encode a video and return its path.

    Args:
        path: where to; its suffix picks the container unless ``container`` names FFmpeg's muxer.
        codec: one of ``ENCODERS``, or any encoder's own name.
        size: width and height as stored, before rotation.
        frames: how many, unless ``times_s`` says.
        fps: constant rate, unless ``times_s`` says.
        times_s: the true time of each frame (milliseconds at best), for variable rates.
        rotation_deg: how far a player turns the picture clockwise; the painted picture is turned
            the other way first, so that it ends upright.
        tags: of an mp4 or mov file, as QuickTime's metadata has them.
        picture: makes the upright ``(height, width, 3)`` picture from index, width and height.
    """
    encoder, default_format, preset = ENCODERS.get(codec, (codec, "yuv420p", {}))
    muxer = container or FORMATS[path.suffix]
    muxer_options = muxer_options or ({"movflags": "use_metadata_tags"} if tags else {})
    with (
        _scheduled_as_before(),
        av.open(str(path), "w", format=muxer, options=muxer_options) as output,
    ):
        output.metadata.update(tags or {})
        sound = output.add_stream("mp2", rate=48_000) if with_audio or audio_only else None
        if not audio_only:
            rate = Fraction(fps).limit_denominator(1001)
            stream = output.add_stream(encoder, rate=rate, options=preset | (options or {}))
            stream.width, stream.height = size
            stream.pix_fmt = pixel_format or default_format
            stream.codec_context.gop_size = gop
            if b_frames is not None:
                stream.codec_context.max_b_frames = b_frames
            if pixel_aspect is not None:
                stream.codec_context.sample_aspect_ratio = pixel_aspect
            if times_s is not None:
                stream.codec_context.time_base = Fraction(1, 1000)
            if rotation_deg:
                stream.set_display_rotation(-rotation_deg)
            stamps = _stamps(frames, times_s)
            for frame in _pictures(stamps, size, round(rotation_deg / 90), picture):
                frame.time_base = 1 / rate if times_s is None else Fraction(1, 1000)
                output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
        if sound is not None:
            _add_silence(output, sound, seconds=1)
    return path


@contextmanager
def _scheduled_as_before() -> Iterator[None]:
    """Undo what SVT-AV1 does to the thread that opens it, where the user is root.

    It is given real-time priority, as all its children are from then on: they take the processors
    away from everything else, and no test that waits for another process means what it says.
    """
    if not hasattr(os, "sched_setscheduler"):
        yield
        return
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        os.sched_setscheduler(0, policy, parameters)


def huge(path: Path, side_px: int = 20_000) -> Path:
    """A video whose headers, and the pictures' own headers, claim an enormous size."""
    make_video(path, codec="mjpeg", size=(64, 48), frames=3)
    content = bytearray(path.read_bytes())
    side = side_px.to_bytes(4, "little")
    for place, offset in ((b"strf", 12), (b"avih", 40)):  # BITMAPINFOHEADER; MainAVIHeader
        at = content.index(place) + offset
        content[at : at + 8] = side + side
    at = -1
    while (at := content.find(b"\xff\xc0\x00\x11\x08", at + 1)) >= 0:  # JPEG start of frame
        content[at + 5 : at + 9] = side_px.to_bytes(2, "big") * 2
    path.write_bytes(content)
    return path


def packet_times(path: Path) -> list[float]:
    """Presentation times of the first picture stream's packets, sorted, as ffprobe lists them."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return sorted(
            float(packet.pts * packet.time_base)
            for packet in container.demux(stream)
            if packet.size and packet.pts is not None and not packet.is_discard
        )


def _stamps(frames: int, times_s: Sequence[float] | None) -> list[int]:
    return list(range(frames)) if times_s is None else [round(time * 1000) for time in times_s]


def _pictures(
    stamps: list[int], size: tuple[int, int], quarter_turns: int, picture: Picture
) -> Iterator[av.VideoFrame]:
    width, height = size[::-1] if quarter_turns % 2 else size
    for index, stamp in enumerate(stamps):
        upright = picture(index, width, height)
        stored = np.ascontiguousarray(np.rot90(upright, quarter_turns))
        frame = av.VideoFrame.from_ndarray(stored, format="rgb24")
        frame.pts = stamp
        yield frame


def _add_silence(
    output: av.container.OutputContainer, stream: av.AudioStream, seconds: int
) -> None:
    samples = 1152
    for start in range(0, seconds * 48_000, samples):
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 2 * samples), np.int16), "s16", "stereo")
        frame.sample_rate, frame.pts = 48_000, start
        output.mux(stream.encode(frame))
    output.mux(stream.encode(None))
