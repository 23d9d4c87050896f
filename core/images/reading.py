"""Still pictures as arrays."""

from collections.abc import Callable

import numpy as np
from jaxtyping import UInt8

from core.images.decoding import MAX_PIXELS, decode

ReadsImage = Callable[[bytes], UInt8[np.ndarray, "height width 3"]]


def read_image(content: bytes, max_pixels: int = MAX_PIXELS) -> UInt8[np.ndarray, "height width 3"]:
    """Decode in this process: for files whose owner runs it.

    See :func:`core.images.decoding.decode`.

    Raises:
        ImageInvalid: not one of the formats, damaged, too small or too large.
    """
    return np.array(decode(content, max_pixels))
