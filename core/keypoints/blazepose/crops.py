"""Which square of a picture a network looks at: turned so that the person stands upright in it.

Both pose networks report two *alignment points* of a person: the middle of the hips, and a point
above it on the circle that holds the whole body. A crop follows from the two, and they can be
averaged and interpolated where a square's angle cannot.

Positions inside a crop are in *sides*: (0, 0) is its top left corner, (1, 1) the bottom right one.
"""

import numpy as np
from jaxtyping import Float64

_MARGIN = 1.25  # as the networks were trained

Alignment = Float64[np.ndarray, "_persons 2 2"]
"""Of each person the hips' middle and the point on the circle; x, y in pixels of the picture."""
OnePerson = Float64[np.ndarray, "2 2"]
"""The same for one person."""
Placement = Float64[np.ndarray, "_crops 2 3"]
"""Of each crop the affine map from sides to pixels: ``placement @ (x, y, 1)``."""


def upright_crops(alignment: Alignment) -> Placement:
    """The turned squares in which the landmark network wants to see people.

    Source: ``alignment_points_to_rects_calculator.cc`` and ``rect_transformation_calculator.cc`` of
    MediaPipe.
    """
    centre, radius_vector = alignment[:, 0], alignment[:, 1] - alignment[:, 0]
    # The square's "up", half a side long, and its "right", a quarter turn clockwise from it.
    up = radius_vector * _MARGIN
    right = np.stack([-up[:, 1], up[:, 0]], axis=-1)
    return np.stack([2 * right, -2 * up, centre - right + up], axis=-1)


def level_squares(
    centre_px: Float64[np.ndarray, "crops 2"], side_px: Float64[np.ndarray, "crops"]
) -> Placement:
    """Squares that are not turned."""
    placement = np.zeros((len(centre_px), 2, 3))
    placement[:, 0, 0] = placement[:, 1, 1] = side_px
    placement[:, :, 2] = centre_px - side_px[:, None] / 2
    return placement


def whole_picture(width_px: int, height_px: int) -> Placement:
    """The one square around the whole picture, black above and below or left and right of it."""
    centre_px = np.array([[width_px / 2, height_px / 2]])
    return level_squares(centre_px, np.array([float(max(width_px, height_px))]))


def to_picture(
    placement: Placement, points: Float64[np.ndarray, "crops points 2"]
) -> Float64[np.ndarray, "crops points 2"]:
    """Points in sides of their crop, in pixels of the picture."""
    return points @ placement[:, :, :2].transpose(0, 2, 1) + placement[:, None, :, 2]


def turned(
    placement: Placement, points_m: Float64[np.ndarray, "crops points 3"]
) -> Float64[np.ndarray, "crops points 3"]:
    """Points in metres along a crop's axes, along the picture's; x right, y down, z away."""
    side_px = np.hypot(placement[:, :1, :1], placement[:, 1:, :1])  # (crops, 1, 1)
    axes = placement[:, :, :2] / side_px
    in_plane = points_m[..., :2] @ axes.transpose(0, 2, 1)
    return np.concatenate([in_plane, points_m[..., 2:]], axis=-1)


def radius_px(alignment: Alignment) -> Float64[np.ndarray, "persons"]:
    """Radius of the circle around the hips that holds the whole body."""
    reach = alignment[:, 1] - alignment[:, 0]
    return np.hypot(reach[:, 0], reach[:, 1])
