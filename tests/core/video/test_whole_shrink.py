"""Pictures that shrink by a whole number."""

import numpy as np
import pytest
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from core.video.stored import Shrink
from core.video.whole_shrink import shrink_by_whole


def made(width, height, pixels="yuv420p", seed=0):
    random = np.random.default_rng(seed)
    rgb = random.integers(0, 256, (height, width, 3), np.uint8)
    return VideoFrame.from_ndarray(rgb, "rgb24").reformat(format=pixels)


def planes(image):
    return [
        np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width]
        for plane in image.planes
    ]


@pytest.mark.parametrize("pixels", ["yuv420p", "yuvj420p", "yuv422p", "yuv444p"])
@pytest.mark.parametrize("times", [2, 3])
def test_each_pixel_is_the_mean_of_a_square(pixels, times):
    """Rows of such a width are padded in memory."""
    image = made(times * 44, times * 20, pixels)
    small = shrink_by_whole(image, 44, 20)
    for stored, shrunk in zip(planes(image), planes(small), strict=True):
        height, width = shrunk.shape
        squares = stored.reshape(height, times, width, times).astype(float)
        assert np.abs(squares.mean((1, 3)) - shrunk).max() <= 0.5


def test_colours_stay_what_ffmpeg_would_make_of_them():
    image = made(128, 64)
    image.colorspace, image.color_range = Colorspace.ITU709, ColorRange.JPEG
    by_ffmpeg = VideoReformatter().reformat(image, 64, 32, interpolation=Interpolation.AREA)
    ours, theirs = (
        VideoReformatter().reformat(one, format="rgb24").to_ndarray().astype(int)
        for one in (shrink_by_whole(image, 64, 32), by_ffmpeg)
    )
    assert np.abs(ours.mean((0, 1)) - theirs.mean((0, 1))).max() < 1
    image.colorspace = Colorspace.ITU601
    other = VideoReformatter().reformat(shrink_by_whole(image, 64, 32), format="rgb24")
    assert np.abs(other.to_ndarray().astype(int) - ours).max() > 5


@pytest.mark.parametrize(
    ("width", "height", "pixels"),
    [(130, 64, "yuv420p"), (128, 66, "yuv420p"), (128, 64, "yuv420p10le"), (128, 64, "rgb24")],
)
def test_everything_else_is_left_to_ffmpeg(width, height, pixels):
    image = made(width, height, pixels)
    assert shrink_by_whole(image, 64, 32) is None
    small = Shrink(64)(image)
    assert max(small.width, small.height) == 64
