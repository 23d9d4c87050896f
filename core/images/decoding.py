"""Still pictures from untrusted bytes, by Pillow alone: a box starts anew for every picture."""

import struct
from io import BytesIO

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


def decode(content: bytes, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """A JPEG, PNG or WebP as upright RGB.

    The orientation a camera wrote into EXIF is applied, transparency is dropped, and of an animated
    picture the first frame is taken. The size is checked before anything is decoded.

    Raises:
        ImageInvalid: not one of the formats, damaged, too small or too large.
    """
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as image:
            _check_size(image.width, image.height, max_pixels)
            return _eight_bit(ImageOps.exif_transpose(image)).convert("RGB")
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
    if image.mode != "I;16":
        return image
    high_bytes = image.tobytes()[1::2]  # little-endian
    return Image.frombytes("L", image.size, high_bytes)


def _too_large(max_pixels: int) -> str:
    return f"The picture is too large; at most {max_pixels / 1e6:.0f} megapixels are read."
