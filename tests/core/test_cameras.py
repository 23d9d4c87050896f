import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.cameras import (
    Camera,
    FocalSource,
    assumed_focal_px,
    pixels_to_rays,
    project,
    rays_to_pixels,
)
from core.contracts import JobOptions
from core.errors import OptionOutOfRange, VideoTooSmall
from core.lenses import LONGEST_35MM, SHORTEST_35MM


def test_the_assumed_lens_does_not_depend_on_which_way_the_phone_is_held():
    assert assumed_focal_px(1920, 1080) == assumed_focal_px(1080, 1920) == pytest.approx(2112)
    with pytest.raises(VideoTooSmall):
        assumed_focal_px(0, 100)


@pytest.mark.parametrize(("size", "told_px"), [((1920, 1080), 1440), ((1080, 1920), 1440)])
def test_a_35_mm_equivalent_counts_along_the_longer_side(size, told_px):
    camera = Camera.of(JobOptions(focal_length_35mm=27), *size)
    assert camera == Camera(*size, told_px, FocalSource.TOLD)


def test_limits_of_both_options_are_the_same_lenses():
    for limit_35mm in (SHORTEST_35MM, LONGEST_35MM):
        limit_px = Camera.of(JobOptions(focal_length_35mm=limit_35mm), 3600, 1800).focal_px
        assert Camera.of(JobOptions(focal_length_px=limit_px), 3600, 1800).focal_px == limit_px
    for beyond_px in (100 * SHORTEST_35MM - 1, 100 * LONGEST_35MM + 1):
        with pytest.raises(OptionOutOfRange, match="3600 x 1800"):
            Camera.of(JobOptions(focal_length_px=beyond_px), 3600, 1800)


def test_a_tele_lens_is_shown_as_the_longest_one_of_training():
    pixel = np.array([1960.0, 540.0])  # 1000 px right of the middle
    for told_px, shown_px in ((1920.0, 1920.0), (2.3 * 1920, 4416.0), (20_000.0, 4416.0)):
        camera = Camera(1920, 1080, told_px, FocalSource.TOLD)
        np.testing.assert_allclose(camera.rays(pixel), [1000 / shown_px, 0], rtol=1e-6)


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
