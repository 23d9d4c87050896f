"""Words in pictures: one line, several colours, our typeface."""

from collections.abc import Iterable
from typing import Literal

from PIL import Image, ImageDraw

from core.visualize.palette import Colour, font

Align = Literal["left", "right", "centre"]


def write(
    picture: Image.Image,
    words: Iterable[tuple[str, Colour]],
    at_px: tuple[float, float],
    size_px: int,
    align: Align = "left",
) -> None:
    """Write words one after the other on a line.

    Args:
        picture: changed in place.
        words: each with its colour.
        at_px: on the baseline, where the line starts, ends or has its middle.
        size_px: of the letters.
        align: which of these ``at_px`` is.
    """
    words = list(words)
    draw, letters, space = ImageDraw.Draw(picture), font(size_px), 0.75 * size_px
    lengths = [draw.textlength(word, font=letters) for word, _ in words]
    total = sum(lengths) + space * max(0, len(words) - 1)
    x = at_px[0] - {"left": 0.0, "centre": total / 2, "right": total}[align]
    for (word, colour), length in zip(words, lengths, strict=True):
        draw.text((x, at_px[1]), word, colour, font=letters, anchor="ls")
        x += length + space
