"""Cuts crops out of pictures, on the device where the pictures lie.

``torch.nn.functional.grid_sample`` would want whole pictures in floating point, four times the
memory, and a copy of a picture per crop. So the four neighbours of each pixel are gathered from the
bytes instead, with the very arithmetic that MediaPipe uses on a CPU: people who are small in the
picture come out differently if crops differ by a fraction of a pixel.
"""

from enum import Enum

import torch
from jaxtyping import Float32, Float64, Int64, UInt8
from torch import Tensor

_STEPS = 32  # OpenCV interpolates at so many positions between two pixels


class Beyond(Enum):
    """What a crop shows where it reaches beyond the picture."""

    BLACK = "black"
    EDGE = "edge"
    """The nearest pixel of the picture."""


def sample_crops(
    pictures: UInt8[Tensor, "pictures height width 3"],
    picture_of: Int64[Tensor, "crops"],
    placement: Float64[Tensor, "crops 2 3"],
    side: int,
    beyond: Beyond,
) -> Float32[Tensor, "crops 3 side side"]:
    """Crops as the networks want them, bilinear.

    Pixel ``(column, row)`` of a crop shows the picture's pixel ``placement @ (column / side, row /
    side, 1)``: pixels are points here, and the landmarks undo it the same way.

    Args:
        pictures: RGB, all of one size.
        picture_of: the picture that each crop is from.
        placement: from sides of the crop to pixels of the picture.
        side: of a crop, in pixels.
        beyond: what to show outside the picture.

    Returns:
        Whole numbers from 0 to 255, in channels-last memory.

    Source: ``image_to_tensor_converter_opencv.cc`` of MediaPipe; ``warpPerspective`` and
    ``remapBilinear`` of OpenCV 4.
    """
    count, height, width, _ = pictures.shape
    along = torch.arange(side, device=pictures.device, dtype=torch.float64) / side
    right, down, origin = (placement[:, :, axis, None, None] for axis in range(3))
    at = ((right * along + down * along[:, None] + origin) * _STEPS).round().long()  # (N, 2, S, S)
    column, row = at.div(_STEPS, rounding_mode="floor").unbind(1)
    share_right, share_below = (at.remainder(_STEPS).float() / _STEPS).unbind(1)
    pixels = pictures.reshape(count * height * width, 3)
    first_row = (picture_of * height)[:, None, None]
    crops = torch.full((), 0.5, device=pictures.device)  # floored below: rounds halves up
    for below in (0, 1):
        for beside in (0, 1):
            x, y = column + beside, row + below
            share = share_right if beside else 1 - share_right
            share = share * (share_below if below else 1 - share_below)
            if beyond is Beyond.BLACK:
                share = share * ((x >= 0) & (x < width) & (y >= 0) & (y < height))
            place = (first_row + y.clamp(0, height - 1)) * width + x.clamp(0, width - 1)
            crops = crops + share[..., None] * pixels[place]
    return crops.floor().permute(0, 3, 1, 2)  # (N, S, S, C) -> (N, C, S, S)
