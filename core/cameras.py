"""Pinhole cameras: from pixels to rays, and what to assume when nobody knows the lens.

Camera frame everywhere: x right, y down, z away from the camera. A ray is written as its
crossing with the plane z = 1, so ``ray = (pixel - image centre) / focal length``.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, Self, runtime_checkable

import numpy as np
from jaxtyping import Float, Float32

from core.errors import OptionOutOfRange, VideoTooSmall
from core.lenses import FILM_WIDTH_MM, LONGEST_35MM, SHORTEST_35MM

ASSUMED_FOCAL = 1.1
"""Focal length over the longer image side when unknown: a 49 degree lens, between a phone's main
camera (about 65) and a zoomed-in shot from the side of a pitch (about 30)."""

LONGEST_SHOWN = 2.3
"""Focal length over the longer image side of the longest lens in training (83 mm of 35 mm film).
Longer ones are shown to the lifter as this one: perspective within a body is nearly gone there, but
somebody who fills a smaller angle than anybody it has seen comes out wrong (docs/lens.md)."""


class FocalSource(StrEnum):
    """Who said how long the lens is."""

    TOLD = "told"
    """The user, by an option."""
    FILE = "file"
    """The video itself."""
    ASSUMED = "assumed"
    """Nobody: see :data:`ASSUMED_FOCAL`."""


@runtime_checkable
class AskedLens(Protocol):
    """Whatever says what somebody knows of the lens, such as the options of a job."""

    @property
    def focal_length_px(self) -> float | None: ...
    @property
    def focal_length_35mm(self) -> float | None: ...


@dataclass(frozen=True)
class Camera:
    """What took upright pictures of one size.

    Attributes:
        width_px: of the upright picture.
        height_px: of the upright picture.
        focal_px: focal length in pixels of that picture, which are square.
        focal_source: who said so.
    """

    width_px: int
    height_px: int
    focal_px: float
    focal_source: FocalSource

    @classmethod
    def of(
        cls, asked: AskedLens, width_px: int, height_px: int, stored_35mm: float | None = None
    ) -> Self:
        """As the user says, else as the file says, else assumed.

        Args:
            asked: what the user says of the lens, one thing at most.
            width_px: of the upright picture.
            height_px: of the upright picture.
            stored_35mm: 35-mm equivalent that the video itself states, if it does.

        Raises:
            OptionOutOfRange: no camera takes such pictures with the focal length that was told.
            VideoTooSmall: a side is not positive.
        """
        assumed = cls.assumed(width_px, height_px)
        px_per_mm = max(width_px, height_px) / FILM_WIDTH_MM
        told_px, told_35mm = asked.focal_length_px, asked.focal_length_35mm
        if told_px is not None:
            _refuse_impossible(told_px, assumed, px_per_mm)
            return cls(width_px, height_px, told_px, FocalSource.TOLD)
        if told_35mm is not None:
            return cls(width_px, height_px, told_35mm * px_per_mm, FocalSource.TOLD)
        if stored_35mm is not None:
            return cls(width_px, height_px, stored_35mm * px_per_mm, FocalSource.FILE)
        return assumed

    @classmethod
    def assumed(cls, width_px: int, height_px: int) -> Self:
        """A camera whose lens nobody knows.

        Raises:
            VideoTooSmall: a side is not positive.
        """
        focal_px = assumed_focal_px(width_px, height_px)
        return cls(width_px, height_px, focal_px, FocalSource.ASSUMED)

    def rays(self, keypoints_px: Float[np.ndarray, "*batch 2"]) -> Float32[np.ndarray, "*batch 2"]:
        """What the lifter is shown: see :func:`pixels_to_rays` and :data:`LONGEST_SHOWN`."""
        focal_px = min(self.focal_px, LONGEST_SHOWN * max(self.width_px, self.height_px))
        return pixels_to_rays(keypoints_px, self.width_px, self.height_px, focal_px)

    def pixels(self, rays: Float[np.ndarray, "*batch 2"]) -> Float32[np.ndarray, "*batch 2"]:
        """See :func:`rays_to_pixels`; for lenses that are not too long, inverse of ``rays``."""
        return rays_to_pixels(rays, self.width_px, self.height_px, self.focal_px)


def _refuse_impossible(focal_px: float, frame: Camera, px_per_mm: float) -> None:
    least_px, most_px = SHORTEST_35MM * px_per_mm, LONGEST_35MM * px_per_mm
    if not least_px <= focal_px <= most_px:
        raise OptionOutOfRange(
            f"Option 'focal_length_px': no lens of {focal_px:g} px fills a frame of "
            f"{frame.width_px} x {frame.height_px}; there it must be from {least_px:.0f} to "
            f"{most_px:.0f}, in pixels of the full-size frame."
        )


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
