"""Still pictures from untrusted bytes."""

import struct
from io import BytesIO

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps

from core.errors import ImageInvalid

FORMATS = ("JPEG", "PNG", "WEBP")
MAX_PIXELS = 50_000_000
MIN_SIDE_PX = 8

# What Pillow raises on damaged or hostile files, besides the bomb checks.
_UNREADABLE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    struct.error,
)
_BOMB = (Image.DecompressionBombError, Image.DecompressionBombWarning)


def read_image(content: bytes, max_pixels: int = MAX_PIXELS) -> UInt8[np.ndarray, "height width 3"]:
    """Decode a JPEG, PNG or WebP to upright RGB.

    The orientation a camera wrote into EXIF is applied, transparency is dropped, and of an animated
    picture the first frame is taken. The size is checked before anything is decoded.

    Raises:
        ImageInvalid: not one of the formats, damaged, too small or too large.
    """
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as image:
            _check_size(image.width, image.height, max_pixels)
            rgb = ImageOps.exif_transpose(_eight_bit(image)).convert("RGB")
            return np.array(rgb)
    except _BOMB:
        raise ImageInvalid(_too_large(max_pixels)) from None
    except _UNREADABLE:
        raise ImageInvalid(
            "The file is not a JPEG, PNG or WebP picture, or it is damaged."
        ) from None


def _check_size(width_px: int, height_px: int, max_pixels: int) -> None:
    if width_px * height_px > max_pixels:
        raise ImageInvalid(_too_large(max_pixels))
    if min(width_px, height_px) < MIN_SIDE_PX:
        raise ImageInvalid(
            f"The picture is {width_px} x {height_px} px; "
            f"each side must have at least {MIN_SIDE_PX} px."
        )


def _eight_bit(image: Image.Image) -> Image.Image:
    """Scale 16-bit gray down: Pillow's own conversion would clip everything bright to white."""
    if not image.mode.startswith("I"):
        return image
    gray = (np.asarray(image).astype(np.uint32) >> 8).clip(0, 255).astype(np.uint8)
    return Image.fromarray(gray)


def _too_large(max_pixels: int) -> str:
    return f"The picture is too large; at most {max_pixels / 1e6:.0f} megapixels are read."
