import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.cameras import assumed_focal_px, pixels_to_rays, project, rays_to_pixels
from core.errors import VideoTooSmall


def test_the_assumed_lens_does_not_depend_on_which_way_the_phone_is_held():
    assert assumed_focal_px(1920, 1080) == assumed_focal_px(1080, 1920) == pytest.approx(2112)
    with pytest.raises(VideoTooSmall):
        assumed_focal_px(0, 100)


def test_hand_computed_projection():
    # 2 m away, 0.5 m right, 0.25 m up, f = 1000: 250 px right of and 125 px above the centre.
    pixel = project(np.array([0.5, -0.25, 2.0]), 1920, 1080, 1000.0)
    assert pixel.tolist() == [1210.0, 415.0]
    assert np.isnan(project(np.array([0.5, 0.5, -1.0]), 1920, 1080, 1000.0)).all()


@given(
    st.lists(st.floats(-2, 2), min_size=2, max_size=2),
    st.integers(16, 8000),
    st.integers(16, 8000),
    st.floats(0.5, 2.5),
    st.floats(0.5, 20),
)
def test_project_then_unproject_gives_the_direction_back(ray, width, height, lens, depth_m):
    focal_px = lens * max(width, height)
    point = np.array([*ray, 1.0]) * depth_m
    pixel = project(point, width, height, focal_px)
    np.testing.assert_allclose(
        pixels_to_rays(pixel, width, height, focal_px), ray, atol=1e-5, rtol=1e-5
    )


def test_unknown_keypoints_stay_unknown():
    points = np.full((3, 2), np.nan)
    assert np.isnan(pixels_to_rays(points, 640, 480, 500.0)).all()
    assert np.isnan(rays_to_pixels(points, 640, 480, 500.0)).all()
