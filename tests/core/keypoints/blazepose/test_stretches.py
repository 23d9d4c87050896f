"""Cutting a video."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.keypoints.blazepose.stretches import stretches
from core.video.frames import Frame

PICTURE = np.zeros((4, 4, 3), np.uint8)


def video(times_s) -> list[Frame]:
    return [Frame(index, time_s, PICTURE) for index, time_s in enumerate(map(float, times_s))]


def key_indices(cut) -> list[int]:
    return sorted({stretch.frames[key].index for stretch in cut for key in stretch.keys})


intervals_s = st.lists(st.floats(0.005, 1.0), max_size=60)


@given(intervals_s, st.integers(1, 40))
def test_every_frame_belongs_to_one_stretch_whatever_the_limit(intervals, most_frames):
    frames = video(np.cumsum(intervals))
    cut = list(stretches(frames, most_frames=most_frames))
    read = [f.index for s in cut for f in s.frames[: None if s.is_last else -1]]
    assert read == list(range(len(frames)))
    assert [s.is_last for s in cut] == [False] * (len(cut) - 1) + [True] * bool(cut)
    for earlier, later in pairwise(cut):
        assert later.frames[0] is earlier.frames[-1]
    for stretch in cut:
        assert (stretch.keys[0], stretch.keys[-1]) == (0, len(stretch.frames) - 1)
        assert len(stretch.frames) <= max(most_frames, 6)
    assert key_indices(cut) == key_indices(list(stretches(frames, most_frames=10_000)))


@pytest.mark.parametrize(("fps", "every"), [(120, 5), (30, 5), (25, 5), (15, 3), (10, 2), (5, 1)])
def test_how_often_people_are_searched_for(fps, every):
    cut = stretches(video(np.arange(31) / fps))
    assert key_indices(cut)[:-1] == list(range(0, 30, every))


def test_large_pictures_make_short_stretches():
    frames = video(np.arange(100) / 30)
    short = list(stretches(frames, most_bytes=20 * PICTURE.nbytes))
    assert max(len(s.frames) for s in short) <= 20
    assert len(short) > len(list(stretches(frames)))
