"""Turned squares and back."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.keypoints.blazepose.crops import (
    level_squares,
    radius_px,
    to_picture,
    turned,
    upright_crops,
    whole_picture,
)

pixels = st.floats(-500, 3000)
angles = st.floats(-np.pi, np.pi)


def aligned(x: float, y: float, radius: float, angle: float) -> np.ndarray:
    """Somebody whose head points so far clockwise from straight up."""
    return np.array([[[x, y], [x + radius * np.sin(angle), y - radius * np.cos(angle)]]])


def test_an_upright_person_in_pixels():
    """Source: worked by hand; side 2 x 1.25 x 80 = 200 around the hips at (300, 400)."""
    placement = upright_crops(aligned(300, 400, 80, 0))
    np.testing.assert_allclose(placement, [[[200, 0, 200], [0, 200, 300]]], atol=1e-9)


@given(pixels, pixels, st.floats(1, 900), angles)
def test_alignment_points_lie_where_the_network_puts_them(x, y, radius, angle):
    alignment = aligned(x, y, radius, angle)
    points = np.array([[[0.5, 0.5], [0.5, 0.1]]])
    np.testing.assert_allclose(to_picture(upright_crops(alignment), points), alignment, atol=1e-6)
    np.testing.assert_allclose(radius_px(alignment), radius)


@given(st.floats(1, 900), angles)
def test_metres_turn_with_the_person(radius, angle):
    """Up in the crop is toward the head in the picture; what is away stays away."""
    up = turned(upright_crops(aligned(0, 0, radius, angle)), np.array([[[0.0, -1.0, 0.3]]]))
    np.testing.assert_allclose(up[0, 0], [np.sin(angle), -np.cos(angle), 0.3], atol=1e-9)


def test_a_wide_picture_gets_black_bars_above_and_below():
    corners = to_picture(whole_picture(640, 480), np.array([[[0.0, 0.0], [1.0, 1.0]]]))
    np.testing.assert_allclose(corners, [[[0, -80], [640, 560]]])


def test_level_squares_have_their_centre_in_the_middle():
    placement = level_squares(np.array([[10.0, 20.0], [0.0, 0.0]]), np.array([4.0, 6.0]))
    middle = to_picture(placement, np.full((2, 1, 2), 0.5))
    np.testing.assert_allclose(middle[:, 0], [[10, 20], [0, 0]])
