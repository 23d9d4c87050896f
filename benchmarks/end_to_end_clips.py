"""Clips of one person in full view, at any length, size and codec, made out of the demo's."""

from fractions import Fraction
from itertools import cycle, islice
from pathlib import Path

import av

from benchmarks.looped_video import loop

FPS = 30
ENCODERS = {
    "h264": ("libx264", {"preset": "veryfast", "crf": "23", "bf": "0"}, ".mp4"),
    "vp9": ("libvpx-vp9", {"deadline": "realtime", "cpu-used": "8", "crf": "33"}, ".webm"),
}
# Around the man who stands and gestures, before a woman walks by below him.
_LEFT_PX, _TOP_PX, _WIDTH_PX, _HEIGHT_PX = 320, 60, 640, 360
_FIRST, _FRAMES = 10, 75


def make_clip(
    demo: Path, folder: Path, *, codec: str, width: int, height: int, frames: int
) -> Path:
    """The clip; whatever is longer than ten seconds is made by repeating it.

    Args:
        demo: the demo's clip.
        folder: where to write.
        codec: ``h264`` or ``vp9``.
        width: of the picture.
        height: of the picture.
        frames: 30 of them are a second.
    """
    encoder, options, suffix = ENCODERS[codec]
    target = folder / f"{codec}-{height}p-{frames}{suffix}"
    short = min(frames, 10 * FPS)
    once = folder / f"{codec}-{height}p-{short}{suffix}"
    if not once.exists():
        _encode(demo, once, encoder, options, (width, height), short)
    if frames > short and not target.exists():
        loop(once, target, frames=frames)
    return target


def _encode(
    demo: Path,
    target: Path,
    encoder: str,
    options: dict[str, str],
    size: tuple[int, int],
    frames: int,
) -> None:
    """Forwards and backwards again and again, so that nobody ever jumps."""
    with av.open(demo) as video:
        shown = islice(video.decode(video=0), _FIRST, _FIRST + _FRAMES)
        cropped = [_crop(frame) for frame in shown]
    with av.open(target, "w") as output:
        stream = output.add_stream(encoder, rate=FPS, options=options)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for number, picture in enumerate(islice(cycle([*cropped, *cropped[-2:0:-1]]), frames)):
            large = picture.reformat(*size, "yuv420p", interpolation="BICUBIC")
            large.pts, large.time_base = number, Fraction(1, FPS)
            output.mux(stream.encode(large))
        output.mux(stream.encode(None))


def _crop(frame: av.VideoFrame) -> av.VideoFrame:
    rgb = frame.to_ndarray(format="rgb24")
    part = rgb[_TOP_PX : _TOP_PX + _HEIGHT_PX, _LEFT_PX : _LEFT_PX + _WIDTH_PX]
    return av.VideoFrame.from_ndarray(part.copy(), "rgb24")
