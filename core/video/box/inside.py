"""What the box of a video does: takes the one file, and answers about it."""

import pkgutil
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from importlib import import_module
from time import monotonic
from typing import Any

import av
import cv2
from av.video.frame import VideoFrame

from core.box.channel import Channel, Message
from core.box.inside import Serves, answer_each
from core.box.inside import main as run
from core.box.pages import Pages
from core.video.facts import DecodeReport, FrameSelection, VideoFacts, VideoLimits
from core.video.reader import VideoReader, read_here
from core.video.stored import SquareRgb, StoredPicture

LIFE_SIGN_S = 0.25
"""Whoever waits hears this often that the file is being read."""
PLAIN_FORMATS = ("yuv420p", "yuvj420p")


def main(argv: Sequence[str], serve: Serves | None = None) -> int:
    """Answer about one video until the other side is gone.

    Args:
        argv: as for :func:`core.box.inside.main`.
        serve: in the place of ``answer``.
    """
    return run(argv, _get_ready, serve or answer)


def _get_ready() -> None:
    _import_all()
    cv2.setNumThreads(1)  # a pool's memory and time would count as the decoder's


def _import_all() -> None:
    """PyAV loads parts of itself when a file first needs them: by then it cannot."""
    for module in pkgutil.walk_packages(av.__path__, "av."):
        if not module.name.endswith("__main__"):
            import_module(module.name)


def answer(file: int, channel: Channel, pages: Pages) -> None:
    """Answer one request about the file after the other.

    Raises:
        EOFError: there will be no more.
    """
    with read_here(file) as reader:

        def reply(request: Message) -> None:
            if "probe" in request:
                _probe(reader, channel, request["probe"])
            else:
                _send_pictures(reader, channel, pages, request["pictures"])

        answer_each(channel, pages, reply)


def _probe(reader: VideoReader, channel: Channel, limits: dict[str, Any]) -> None:
    facts = reader.probe(VideoLimits(**limits), _LifeSigns(channel))
    channel.send({"facts": asdict(facts)})


def _send_pictures(
    reader: VideoReader, channel: Channel, pages: Pages, asked: dict[str, Any]
) -> None:
    facts, side_px = VideoFacts(**asked["facts"]), asked["longest_side_px"]
    selection, limits = FrameSelection(**asked["selection"]), VideoLimits(**asked["limits"])
    report, portable = DecodeReport(), _Portable(SquareRgb(facts, side_px))
    pictures = reader.pictures(
        facts, selection, report, limits, _LifeSigns(channel), longest_side_px=side_px
    )
    with closing(pictures):
        for picture in pictures:
            image = portable(picture.image)
            planes = [(plane.line_size, plane.height, plane) for plane in image.planes]
            pages.send(_header(picture, image, report), planes)
    channel.send({"end": asdict(report)})


def _header(picture: StoredPicture, image: VideoFrame, report: DecodeReport) -> Message:
    return {
        "index": picture.index,
        "time_s": picture.time_s,
        "size": [image.width, image.height],
        "format": image.format.name,
        "colors": [int(image.colorspace), int(image.color_range)],
        "lines": [plane.line_size for plane in image.planes],
        "report": asdict(report),
    }


class _Portable:
    """Lets a picture travel as it is, if size, planes and colors are all that make its RGB.

    How odd, interlaced, deep or scaled pictures turn out depends on what only FFmpeg's own frame
    carries, such as where the colour samples sit. Those are made RGB here.
    """

    def __init__(self, square: SquareRgb) -> None:
        self._square = square

    def __call__(self, image: VideoFrame) -> VideoFrame:
        size = image.width, image.height
        plain = (
            image.format.name in PLAIN_FORMATS
            and size == (self._square.width_px, self._square.height_px)
            and not (image.width % 2 or image.height % 2 or image.interlaced_frame)
            and all(plane.line_size > 0 for plane in image.planes)
        )
        return image if plain else self._square(image)


class _LifeSigns:
    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._said_at = monotonic()

    def __call__(self) -> None:
        if monotonic() - self._said_at >= LIFE_SIGN_S:
            self._channel.send({"alive": True})
            self._said_at = monotonic()
