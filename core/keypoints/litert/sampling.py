"""Cuts a crop out of a picture for a network, on a CPU."""

import cv2
import numpy as np
from jaxtyping import Float64, UInt8

from core.keypoints.blazepose.sampling import Beyond

_SMALL_PX = 2048
_BORDERS = {Beyond.BLACK: cv2.BORDER_CONSTANT, Beyond.EDGE: cv2.BORDER_REPLICATE}


def cut_crop(
    rgb: UInt8[np.ndarray, "height width 3"],
    placement: Float64[np.ndarray, "2 3"],
    side: int,
    beyond: Beyond,
) -> UInt8[np.ndarray, "side side 3"]:
    """One crop, bilinear; what :func:`core.keypoints.blazepose.sampling.sample_crops` does.

    Pixel ``(column, row)`` of it shows the picture's pixel ``placement @ (column / side, row /
    side, 1)``. OpenCV 5 warps in floating point; tables of positions make it interpolate at a 32nd
    of a pixel, as OpenCV 4 does, and MediaPipe with it.

    Args:
        rgb: the picture.
        placement: from sides of the crop to pixels of the picture.
        side: of the crop, in pixels.
        beyond: what to show outside the picture.
    """
    along = np.arange(side) / side
    columns, rows = (
        np.add.outer((down * along + origin).astype(np.float32), (right * along).astype(np.float32))
        for right, down, origin in placement
    )
    is_small = max(rgb.shape) <= _SMALL_PX  # a larger one is not worth copying
    if beyond is Beyond.EDGE and is_small and _leaves(placement, side, rgb.shape):
        # The same bits in two thirds of the time: OpenCV looks at each pixel by itself where a
        # neighbour is missing. With one more row and column none is.
        last_row, last_column = rgb.shape[0] - 1, rgb.shape[1] - 1
        columns.clip(0, last_column, out=columns)
        rows.clip(0, last_row, out=rows)
        rgb = cv2.copyMakeBorder(rgb, 0, 1, 0, 1, cv2.BORDER_REPLICATE)
    places, shares = cv2.convertMaps(columns, rows, cv2.CV_16SC2)
    return cv2.remap(rgb, places, shares, cv2.INTER_LINEAR, borderMode=_BORDERS[beyond])


def _leaves(placement: Float64[np.ndarray, "2 3"], side: int, shape: tuple[int, ...]) -> bool:
    """Whether a crop, a square that may be turned, reaches beyond the picture."""
    reach = (side - 1) / side
    for (right, down, origin), length in zip(placement.tolist(), shape[1::-1], strict=True):
        low = origin + reach * (min(right, 0.0) + min(down, 0.0))
        high = origin + reach * (max(right, 0.0) + max(down, 0.0))
        if low < 0 or high > length - 1:
            return True
    return False
