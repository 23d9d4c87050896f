"""Colours and type of all our pictures, in one place so that they look like one family."""

from functools import lru_cache

import numpy as np
from PIL import ImageFont

Colour = tuple[int, int, int]

BACKGROUND: Colour = (16, 19, 27)
PANEL: Colour = (23, 27, 37)
GRID: Colour = (58, 66, 84)
RULE: Colour = (44, 51, 66)
TEXT: Colour = (232, 234, 239)
MUTED: Colour = (139, 148, 166)

LEFT: Colour = (72, 196, 226)
RIGHT: Colour = (255, 139, 94)
PERSONS: tuple[Colour, ...] = ((240, 234, 220), (190, 168, 255), (158, 221, 128), (255, 205, 92))
"""By slot; the first is a warm white, so that a single person shows mostly left and right."""
WARNING: Colour = (255, 196, 88)


def side_colour(name: str, person: int) -> Colour:
    """The colour of a joint: by side of the body, or the person's own on the midline."""
    if name.startswith("left_") or name.endswith("_left"):
        return LEFT
    if name.startswith("right_") or name.endswith("_right"):
        return RIGHT
    return person_colour(person)


def person_colour(person: int) -> Colour:
    """A slot's own colour; they repeat when there are more slots than colours."""
    return PERSONS[person % len(PERSONS)]


def mix(colour: Colour, other: Colour, share: float) -> Colour:
    """``share`` of the other colour."""
    mixed = np.array(colour) + (np.array(other) - colour) * min(1.0, max(0.0, share))
    red, green, blue = (round(float(value)) for value in mixed)
    return red, green, blue


@lru_cache(maxsize=16)
def font(size_px: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own typeface: legible, and on every machine."""
    return ImageFont.load_default(size_px)
