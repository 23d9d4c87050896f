"""Going on from the first look at a file comes to the same as opening it again."""

import random
from dataclasses import replace

import numpy as np
import psutil
import pytest

from core.errors import VideoTooLarge
from core.video import pictures
from core.video.facts import DecodeReport, FrameSelection, VideoLimits
from core.video.pictures import FirstLook, stream_pictures
from core.video.reader import read_here
from tests.videos import make_video

CLIPS = ["clip.mp4", "clip.webm", "clip.avi", "clip.mkv", "clip.ts"]
CODECS = {"clip.webm": "vp9", "clip.avi": "mpeg4"}


@pytest.fixture
def opened(monkeypatch):
    """How often a file was opened."""
    times = []

    def open_video(*args, **kwargs):
        times.append(args[0])
        return really(*args, **kwargs)

    really = pictures.open_video
    monkeypatch.setattr(pictures, "open_video", open_video)
    return times


def make(folder, name, frames=30):
    return make_video(folder / name, frames=frames, codec=CODECS.get(name, "h264"))


def drawn(path, look, selection=None, limits=None):
    report = DecodeReport()
    found = [
        (picture.index, picture.time_s, np.asarray(picture.image.planes[0]).tobytes())
        for picture in stream_pictures(path, look.facts, selection, report, limits, look=look)
    ]
    return found, report


def drawn_both_ways(path, opened, selection=None):
    with FirstLook(path) as look, FirstLook(path) as other:
        opened.clear()
        going_on, count = drawn(path, look, selection), len(opened)
        other.close()
        assert drawn(path, other, selection) == going_on
        assert len(opened) > count
    return going_on, count


@pytest.mark.parametrize("name", CLIPS)
@pytest.mark.parametrize("selection", [None, FrameSelection(stride=3, start_s=0.2, max_fps=9)])
def test_the_same_pictures_without_opening_the_file_again(tmp_path, opened, name, selection):
    (found, report), times = drawn_both_ways(make(tmp_path, name), opened, selection)
    assert len(found) == report.frames_used > 2
    assert times == 0


@pytest.mark.parametrize("name", ["clip.mp4", "clip.webm", "clip.avi"])
def test_damage_is_counted_alike(tmp_path, opened, name):
    whole, path = make(tmp_path, name).read_bytes(), tmp_path / "damaged"
    errors = 0
    for seed in range(6):
        dice, content = random.Random(seed), bytearray(whole)
        for _ in range(8):
            content[dice.randrange(len(content) // 3, len(content) - 2000)] ^= 255
        path.write_bytes(content)
        (_, report), _ = drawn_both_ways(path, opened)
        errors += report.decode_errors
    assert errors > 0


def test_nothing_is_kept_of_damaged_pictures_at_the_start(tmp_path, opened, monkeypatch):
    path = make(tmp_path, "clip.mkv")
    decode = pictures.decode_pictures

    def decode_damaged(*args):
        for picture in decode(*args):
            yield picture if picture.order > 4 else replace(picture, damaged=True)

    monkeypatch.setattr(pictures, "decode_pictures", decode_damaged)
    (found, report), times = drawn_both_ways(path, opened)
    assert (report.frames_decoded, len(found), found[0][0]) == (30, 25, 5)
    assert times == 1


def test_a_far_start_and_other_limits_open_it_again(tmp_path, opened):
    path = make(tmp_path, "clip.mp4", frames=200)
    (found, _), times = drawn_both_ways(path, opened, FrameSelection(start_s=6))
    assert found
    assert times == 2  # to find the place, and to begin there
    with FirstLook(path) as look:
        opened.clear()
        drawn(path, look, limits=VideoLimits(max_duration_s=60))
        assert len(opened) == 1


def test_a_reader_can_be_asked_again(tmp_path, opened):
    path = make(tmp_path, "clip.mp4", frames=5)
    with read_here(path) as reader:
        facts = reader.probe()
        shown = [[(p.index, p.time_s) for p in reader.pictures(facts)] for _ in range(2)]
        assert reader.probe() == facts
    assert shown[0] == shown[1]
    assert len(shown[0]) == 5
    assert len(opened) == 3


def test_the_file_is_closed_whether_it_was_gone_on_or_not(tmp_path):
    path = make(tmp_path, "clip.mp4")

    def is_open():
        return str(path) in {file.path for file in psutil.Process().open_files()}

    with FirstLook(path) as look:
        assert is_open()
        going_on = stream_pictures(path, look.facts, look=look)
        next(going_on)
        going_on.close()
        assert not is_open()
    with read_here(path) as reader:
        reader.probe()
        assert is_open()
    assert not is_open()
    with pytest.raises(VideoTooLarge):
        FirstLook(path, VideoLimits(max_side_px=20))
    assert not is_open()
