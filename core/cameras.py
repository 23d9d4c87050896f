"""Pinhole cameras: from pixels to rays, and what to assume when nobody knows the lens.

Camera frame everywhere: x right, y down, z away from the camera. A ray is written as its
crossing with the plane z = 1, so ``ray = (pixel - image centre) / focal length``.
"""

import numpy as np
from jaxtyping import Float, Float32

from core.errors import VideoTooSmall

ASSUMED_FOCAL = 1.1
"""Focal length over the longer image side when unknown: a 49 degree lens, between a phone's main
camera (about 65) and a zoomed-in shot from the side of a pitch (about 30)."""


def assumed_focal_px(width: int, height: int) -> float:
    """Focal length in pixels to assume for an upright frame of this size.

    Raises:
        VideoTooSmall: a side is not positive.
    """
    if width <= 0 or height <= 0:
        raise VideoTooSmall(f"A picture of {width} x {height} pixels has no lens to speak of.")
    return ASSUMED_FOCAL * max(width, height)


def pixels_to_rays(
    keypoints_px: Float[np.ndarray, "*batch 2"], width: int, height: int, focal_px: float
) -> Float32[np.ndarray, "*batch 2"]:
    """Rays through pixels of an upright frame; NaN stays NaN.

    (0, 0) is the top left corner of the top left pixel and the optical axis meets the image in
    its centre. The lens is taken to be free of distortion.
    """
    centre = np.array([width / 2, height / 2])
    return ((keypoints_px - centre) / focal_px).astype(np.float32)


def rays_to_pixels(
    rays: Float[np.ndarray, "*batch 2"], width: int, height: int, focal_px: float
) -> Float32[np.ndarray, "*batch 2"]:
    """The inverse of :func:`pixels_to_rays`."""
    centre = np.array([width / 2, height / 2])
    return (rays * focal_px + centre).astype(np.float32)


def project(
    points_m: Float[np.ndarray, "*batch 3"], width: int, height: int, focal_px: float
) -> Float32[np.ndarray, "*batch 2"]:
    """Pixels of points in the camera frame; NaN where a point is not in front of the camera."""
    depth = np.where(points_m[..., 2:] > 0, points_m[..., 2:], np.nan)
    return rays_to_pixels(points_m[..., :2] / depth, width, height, focal_px)
