"""What the box of a still picture does: takes the one file, and answers with its pixels."""

import os
import warnings
from collections.abc import Sequence
from importlib import import_module

from PIL import Image

from core.box.channel import Channel, Message
from core.box.inside import Serves, answer_each
from core.box.inside import main as run
from core.box.pages import Pages
from core.images.decoding import decode

_LATE = ("ImagePalette", "ImageFile", "MpoImagePlugin", "TiffImagePlugin", "WebPImagePlugin")
"""What Pillow loads when a picture first needs it: by then it cannot. EXIF is a TIFF."""


def main(argv: Sequence[str], serve: Serves | None = None) -> int:
    """Answer about one picture until the other side is gone.

    Args:
        argv: as for :func:`core.box.inside.main`.
        serve: in the place of ``answer``.
    """
    return run(argv, get_ready, serve or answer)


def get_ready() -> None:
    """Load all that any picture may need."""
    Image.preinit()
    for name in _LATE:
        import_module(f"PIL.{name}")
    warnings.simplefilter("ignore")  # about odd EXIF: nobody reads them


def answer(file: int, channel: Channel, pages: Pages) -> None:
    """Answer one request about the file after the other.

    Raises:
        EOFError: there will be no more.
    """

    def reply(request: Message) -> None:
        image = decode(_content(file), request["decode"])
        pixels = image.tobytes()
        # One plane of rows of one byte: there is nothing between its pixels.
        pages.send({"size": image.size}, [(1, len(pixels), pixels)])

    answer_each(channel, pages, reply)


def _content(file: int) -> bytes:
    with os.fdopen(file, "rb", closefd=False) as opened:
        opened.seek(0)
        return opened.read()
