"""Pictures of strangers, each decoded in a box of its own."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from io import BytesIO
from time import monotonic

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from core.box.boxes import Boxes, Trial
from core.box.channel import Message, Nonsense
from core.box.kind import BoxKind
from core.box.limits import BoxLimits
from core.box.memory import as_file
from core.box.process import Box
from core.box.refusals import read_error
from core.errors import DecoderLimits, DecoderLost, ImageInvalid
from core.images.decoding import FORMATS, MAX_PIXELS, MIN_SIDE_PX
from core.images.reading import read_image

PICTURE = BoxKind("picture", "core.images.box")
PICTURE_LIMITS = BoxLimits(cpu_s=20, silence_s=30.0)
"""The largest picture that is accepted takes some seconds, and nobody waits longer for it. A box
has the time of one silence for all of it: signs of life give no more, as they do for videos."""

Pixels = UInt8[np.ndarray, "height width 3"]


class ImageBoxes(Boxes):
    """Reads each picture in a box of its own, which has ended when its pixels are here.

    Args:
        limits: of each box.
        module: what is run in them.
    """

    def __init__(self, limits: BoxLimits = PICTURE_LIMITS, *, module: str = PICTURE.module) -> None:
        super().__init__(replace(PICTURE, module=module), limits)

    def read(self, content: bytes, max_pixels: int = MAX_PIXELS) -> Pixels:
        """As :func:`core.images.reading.read_image`, and the same bit for bit.

        Raises:
            ImageInvalid: not one of the formats, damaged, too small or too large.
            DecoderCrashed: the picture broke its decoder.
            DecoderLimits: it takes more memory or time than it may.
            DecoderLost: the box was ended from outside, or could not be started.
        """
        try:
            with self._take() as box:
                return self._read_in(box, content, max_pixels)
        finally:
            self._warm_up()

    def _read_in(self, box: Box, content: bytes, max_pixels: int) -> Pixels:
        try:
            with as_file(content) as file:
                box.give(file)
        except OSError as error:
            raise DecoderLost(f"The decoder cannot be given the file: {error.strerror}.") from error
        until = monotonic() + self._limits.silence_s
        box.send({"decode": max_pixels})
        try:
            width, height = read_size(self._answer(box, until), max_pixels)
            rgb = np.empty((height, width, 3), np.uint8)
            own = rgb.reshape(-1)
            for run, rows in box.runs([(1, rgb.size)], lambda: self._answer(box, until)):
                own[run.first_row : run.first_row + run.rows] = np.frombuffer(rows, np.uint8)
        except Nonsense as nonsense:
            raise box.distrust(nonsense) from None
        return rgb

    def _answer(self, box: Box, until: float) -> Message:
        message = box.receive(partial(self._heed, until))
        if "error" in message:
            raise read_error(message, ImageInvalid, PICTURE.noun, self._limits)
        return message

    def _heed(self, until: float) -> None:
        if monotonic() > until:
            raise DecoderLimits(
                f"The picture was not decoded within {self._limits.silence_s:g} s. Convert it to "
                "another format and try again."
            )

    def _trials(self) -> Sequence[Trial]:
        return [partial(self._reads, _honest_picture(format_)) for format_ in FORMATS]

    def _reads(self, content: bytes, box: Box) -> bool:
        return np.array_equal(self._read_in(box, content, MAX_PIXELS), read_image(content))


def _honest_picture(format_: str) -> bytes:
    content = BytesIO()
    Image.linear_gradient("L").resize((48, 32)).convert("RGB").save(content, format_)
    return content.getvalue()


def read_size(message: Message, max_pixels: int) -> tuple[int, int]:
    """Width and height of the picture that the box has decoded.

    Raises:
        Nonsense: no picture that is accepted has that size.
    """
    told = message.get("picture")
    size = told.get("size") if isinstance(told, dict) else None
    if not (isinstance(size, list) and len(size) == 2 and all(type(side) is int for side in size)):
        raise Nonsense("a picture without a size")
    width, height = size
    if min(size) < MIN_SIDE_PX or width * height > max_pixels:
        raise Nonsense("a picture of a size that cannot be")
    return width, height
