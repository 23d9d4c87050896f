"""Stored pictures made small, and upright."""

import numpy as np
import pytest

from core.video.frames import FrameSelection
from core.video.stream import probe, stream_frames, stream_pictures
from core.video.upright import Shrink, UprightRgb, fitted
from tests.videos import is_upright, make_video, read_index


@pytest.mark.parametrize(
    ("size", "longest_px", "expected"),
    [
        ((1920, 1080), 960, (960, 540)),
        ((1080, 1920), 960, (540, 960)),
        ((1768, 994), 960, (960, 540)),
        ((960, 540), 960, (960, 540)),
        ((101, 67), 960, (101, 67)),
        ((4000, 3), 100, (100, 2)),
        ((4000, 3000), None, (4000, 3000)),
    ],
)
def test_sizes_keep_their_shape_and_small_ones_stay(size, longest_px, expected):
    assert fitted(*size, longest_px) == expected


def small_frames(path, longest_px):
    facts = probe(path)
    upright = UprightRgb(facts, longest_px)
    return [
        upright.frame(picture)
        for picture in stream_pictures(path, facts, longest_side_px=longest_px)
    ]


@pytest.mark.parametrize("rotation_deg", [0, 90, 180])
def test_small_pictures_are_upright_numbered_and_timed_as_large_ones(tmp_path, rotation_deg):
    path = make_video(tmp_path / "clip.mp4", frames=6, size=(320, 180), rotation_deg=rotation_deg)
    small, large = small_frames(path, 160), list(stream_frames(path, probe(path)))
    for mine, theirs in zip(small, large, strict=True):
        assert (mine.index, mine.time_s) == (theirs.index, theirs.time_s)
        assert max(mine.rgb.shape) == 160
        assert mine.rgb.flags.c_contiguous
        assert read_index(mine.rgb) == mine.index
        assert is_upright(mine.rgb)


@pytest.mark.parametrize(
    ("codec", "pixel_format"),
    [("h264", "yuv422p"), ("h264", "yuv420p10le"), ("h264", "yuvj420p"), ("h264", "gray")],
)
def test_colours_of_small_pictures_are_those_of_large_ones(tmp_path, codec, pixel_format):
    path = make_video(
        tmp_path / "clip.mkv", codec=codec, pixel_format=pixel_format, frames=2, size=(320, 192)
    )
    small, large = small_frames(path, 160), list(stream_frames(path, probe(path)))
    for mine, theirs in zip(small, large, strict=True):
        halved = theirs.rgb.reshape(96, 2, 160, 2, 3).mean(axis=(1, 3))
        assert np.abs(mine.rgb - halved).mean() < 3


def test_a_picture_that_is_small_enough_is_not_touched(tmp_path):
    path = make_video(tmp_path / "clip.mp4", frames=1, size=(96, 64))
    (picture,) = stream_pictures(path, probe(path), FrameSelection())
    assert Shrink(96)(picture.image) is picture.image
    assert Shrink(None)(picture.image) is picture.image
