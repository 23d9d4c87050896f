"""What a box says, held against what can be true: whoever takes it over can say anything."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from core.box.channel import Message, Nonsense
from core.lenses import is_lens_35mm
from core.video.facts import DecodeReport, VideoFacts, VideoLimits
from core.video.signatures import Container

_MOST = 1 << 53
_FORMATS = {"yuv420p": 3, "yuvj420p": 3, "rgb24": 1}
"""Those that pictures travel in, and how many planes they have."""
_MOST_PADDING_BYTES = 4096


@dataclass(frozen=True)
class PictureHeader:
    """What is told of a picture before its rows.

    Attributes:
        index: as in ``Frame``.
        time_s: as in ``Frame``.
        width: of the picture.
        height: of the picture.
        format: FFmpeg's name of how its pixels are stored.
        colorspace: FFmpeg's number.
        color_range: FFmpeg's number.
        lines: bytes from row to row, of each plane.
        report: of the decoding so far.
    """

    index: int
    time_s: float
    width: int
    height: int
    format: str
    colorspace: int
    color_range: int
    lines: tuple[int, ...]
    report: DecodeReport


def read_facts(message: Message, limits: VideoLimits) -> VideoFacts:
    """What the box found out about its file.

    Raises:
        Nonsense: it cannot have.
    """
    found = _named(message, "facts")
    most_px = limits.max_side_px
    facts = VideoFacts(
        width_px=_whole(found, "width_px", 1, most_px),
        height_px=_whole(found, "height_px", 1, most_px),
        rotation_deg=_whole(found, "rotation_deg", 0, 270),
        duration_s=_maybe(_number, found, "duration_s"),
        frame_count_estimate=_maybe(_whole, found, "frame_count_estimate"),
        average_fps=_maybe(_number, found, "average_fps"),
        codec=_text(found, "codec"),
        container=_container(found),
        stored_width_px=_whole(found, "stored_width_px", 1, most_px),
        stored_height_px=_whole(found, "stored_height_px", 1, most_px),
        has_audio=found.get("has_audio") is True,
        start_s=_number(found, "start_s"),
        focal_length_35mm=_maybe(_lens, found, "focal_length_35mm"),
    )
    if facts.rotation_deg % 90 or facts.width_px * facts.height_px > limits.max_pixels:
        raise Nonsense("impossible facts")
    return facts


def read_header(message: Message, size: tuple[int, int]) -> PictureHeader:
    """What the box says of its next picture.

    Args:
        message: from the box.
        size: width and height that all pictures of this video have.

    Raises:
        Nonsense: no such picture was asked for.
    """
    told = _named(message, "picture")
    width, height = size
    lines = told.get("lines")
    if told.get("size") != [width, height] or told.get("format") not in _FORMATS:
        raise Nonsense("a picture that nobody asked for")
    if not isinstance(lines, list) or len(lines) != _FORMATS[told["format"]]:
        raise Nonsense("a picture with other planes")
    if told["format"] != "rgb24" and (width % 2 or height % 2):
        raise Nonsense("a picture with half a pixel")
    least = [3 * width] if len(lines) == 1 else [width, width // 2, width // 2]
    colors = told.get("colors")
    if not isinstance(colors, list) or len(colors) != 2:
        raise Nonsense("a picture without colors")
    return PictureHeader(
        index=_whole(told, "index"),
        time_s=_number(told, "time_s"),
        width=width,
        height=height,
        format=told["format"],
        colorspace=_within(colors[0], 0, 255),
        color_range=_within(colors[1], 0, 2),
        lines=tuple(
            _within(line, bytes_, bytes_ + _MOST_PADDING_BYTES)
            for line, bytes_ in zip(lines, least, strict=True)
        ),
        report=read_report(told, "report"),
    )


def read_report(message: Message, name: str) -> DecodeReport:
    """How decoding went.

    Raises:
        Nonsense: the numbers are none.
    """
    told = _named(message, name)
    counts = {
        field.name: _whole(told, field.name)
        for field in fields(DecodeReport)
        if field.name != "truncated"
    }
    return DecodeReport(**counts, truncated=told.get("truncated") is True)


def _container(found: Mapping[str, Any]) -> str:
    name = _text(found, "container")
    if name not in set(Container):
        raise Nonsense("a container that is not read")
    return name


def _named(message: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = message.get(name)
    if not isinstance(found, dict):
        raise Nonsense(f"no {name}")
    return found


def _whole(found: Mapping[str, Any], name: str, least: int = 0, most: int = _MOST) -> int:
    return _within(found.get(name), least, most)


def _within(value: object, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise Nonsense("a number that cannot be")
    return value


def _number(found: Mapping[str, Any], name: str) -> float:
    value = found.get(name)
    if type(value) is not float and type(value) is not int:
        raise Nonsense(f"no number for {name}")
    if not math.isfinite(value) or abs(value) > _MOST:
        raise Nonsense(f"an impossible {name}")
    return float(value)


def _lens(found: Mapping[str, Any], name: str) -> float:
    value = _number(found, name)
    if not is_lens_35mm(value):
        raise Nonsense("a lens that cannot be")
    return value


def _text(found: Mapping[str, Any], name: str) -> str:
    value = found.get(name)
    if not isinstance(value, str) or len(value) > 40 or not value.isalnum():
        raise Nonsense(f"no word for {name}")
    return value


def _maybe(read: Any, found: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 - one of the above
    return None if found.get(name) is None else read(found, name)
