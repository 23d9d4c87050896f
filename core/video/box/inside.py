"""What the process in the box does: raises the walls, takes one file, answers about it."""

import json
import mmap
import os
import pkgutil
import socket
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict
from importlib import import_module
from time import monotonic
from typing import Any

import av
import cv2
from av.video.frame import VideoFrame

from core.errors import DecoderLimits, LiftError
from core.video.box.channel import Channel, Message
from core.video.box.limits import BoxLimits
from core.video.box.planes import SLOT_BYTES, SLOTS, fill_slots, mapped
from core.video.box.raising import die_with, raise_walls
from core.video.facts import DecodeReport, FrameSelection, VideoFacts, VideoLimits
from core.video.pictures import probe, stream_pictures
from core.video.stored import SquareRgb, StoredPicture

LIFE_SIGN_S = 0.25
"""Whoever waits hears this often that the file is being read."""
PLAIN_FORMATS = ("yuv420p", "yuvj420p")


def main(argv: Sequence[str], serve: "Serves | None" = None) -> int:
    """Serve until the other side is gone.

    Args:
        argv: descriptors of our end of the channel and of the shared slots; limits, as JSON;
            whether to filter system calls.
        serve: answers about an open file.
    """
    connection, slots, limits = int(argv[0]), int(argv[1]), BoxLimits(**json.loads(argv[2]))
    channel = Channel(socket.socket(fileno=connection))
    pages = Pages(channel, mapped(slots))
    os.close(slots)
    _import_all()
    cv2.setNumThreads(1)  # a pool's memory and time would count as the decoder's
    die_with(0)
    walls = raise_walls(limits, filtered=argv[3] == "filtered")
    try:
        channel.send({"walls": asdict(walls)})
        (serve or answer)(channel.receive_file(), channel, pages)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return 0  # nobody waits for us any more
    return 0


def _import_all() -> None:
    """PyAV loads parts of itself when a file first needs them: by then it cannot."""
    for module in pkgutil.walk_packages(av.__path__, "av."):
        if not module.name.endswith("__main__"):
            import_module(module.name)


class Pages:
    """The shared slots, as the box sees them."""

    def __init__(self, channel: Channel, memory: mmap.mmap) -> None:
        self._channel = channel
        self._memory = memory
        self._free = SLOTS
        self._next = 0

    def send(self, image: VideoFrame, header: Message) -> None:
        """Put a picture into as many slots as it takes, telling of each; waits for free ones."""
        planes = image.planes
        message: Message = {"picture": header}
        for runs in fill_slots([(plane.line_size, plane.height) for plane in planes]):
            self._wait_for_slot()
            start = self._next * SLOT_BYTES
            for run in runs:
                first = run.first_row * run.line_bytes
                rows = memoryview(planes[run.plane])[first : first + run.end - run.offset]
                self._memory[start + run.offset : start + run.end] = rows
            self._next = (self._next + 1) % SLOTS
            self._free -= 1
            self._channel.send(message)
            message = {"more": True}

    def note(self, message: Message) -> bool:
        """Whether the message says that a slot is free again."""
        self._free += "free" in message
        return "free" in message

    def _wait_for_slot(self) -> None:
        while self._free == 0:
            self.note(self._channel.receive() or {})


Serves = Callable[[int, Channel, Pages], None]


def answer(file: int, channel: Channel, pages: Pages) -> None:
    """Answer one request about the file after the other.

    Raises:
        EOFError: there will be no more.
    """
    while True:
        request = channel.receive()
        if request is None or pages.note(request):
            continue
        try:
            if "probe" in request:
                _probe(file, channel, request["probe"])
            else:
                _send_pictures(file, channel, pages, request["pictures"])
        except LiftError as error:
            channel.send({"error": [error.code, error.detail]})
        except MemoryError:
            channel.send({"error": [DecoderLimits.code, "memory"]})


def _probe(file: int, channel: Channel, limits: dict[str, Any]) -> None:
    facts = probe(file, VideoLimits(**limits), _LifeSigns(channel))
    channel.send({"facts": asdict(facts)})


def _send_pictures(file: int, channel: Channel, pages: Pages, asked: dict[str, Any]) -> None:
    facts, side_px = VideoFacts(**asked["facts"]), asked["longest_side_px"]
    selection, limits = FrameSelection(**asked["selection"]), VideoLimits(**asked["limits"])
    report, portable = DecodeReport(), _Portable(SquareRgb(facts, side_px))
    pictures = stream_pictures(
        file, facts, selection, report, limits, _LifeSigns(channel), longest_side_px=side_px
    )
    with closing(pictures):
        for picture in pictures:
            image = portable(picture.image)
            pages.send(image, _header(picture, image, report))
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
