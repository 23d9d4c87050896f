"""What comes out of a box is what comes out here: same pictures, times, facts, reports, errors."""

import random
from fractions import Fraction

import numpy as np
import pytest

from core.errors import LiftError
from core.video.box.boxes import DecoderBoxes
from core.video.reader import read_here
from core.video.stream import DecodeReport, FrameSelection, VideoLimits
from core.video.upright import UprightRgb
from tests.core.video.test_containers import joined
from tests.videos import make_video

PLANES = {"size": (192, 128)}
CLIPS = {
    "h264.mp4": PLANES,
    "hevc.mkv": PLANES | {"codec": "hevc"},
    "vp9.webm": PLANES | {"codec": "vp9"},
    "av1.mp4": PLANES | {"codec": "av1"},
    "mpeg4.avi": PLANES | {"codec": "mpeg4", "b_frames": 2},
    "mjpeg.avi": {"codec": "mjpeg"},
    "stream.ts": {},
    "uneven.mkv": {"times_s": (0.0, 0.033, 0.05, 0.1, 0.3, 0.333, 0.334, 0.433)},
    "turned.mp4": PLANES | {"rotation_deg": 90},
    "upside-down.mp4": {"rotation_deg": 180},
    "odd.mp4": {"codec": "mpeg4", "size": (101, 67)},
    "odd-turned.mp4": {"codec": "mpeg4", "size": (101, 67), "rotation_deg": 270},
    "wide-pixels.mp4": {"size": (96, 72), "pixel_aspect": Fraction(16, 9)},
    "deep.mkv": {"pixel_format": "yuv420p10le"},
    "fine-colors.mkv": {"pixel_format": "yuv444p"},
    "interlaced.mp4": {"options": {"x264-params": "tff=1"}},
    "full-range.mp4": {"options": {"x264-params": "colormatrix=bt709:fullrange=on"}},
    "with-sound.mp4": {"with_audio": True},
}


@pytest.fixture(scope="module")
def boxes():
    with DecoderBoxes() as boxes:
        yield boxes


def look(opens, path, selection=None, limits=None, longest_side_px=None):
    """Everything that can be known of a video by asking, errors too."""
    report, seen = DecodeReport(), []
    with opens(path) as reader:
        try:
            facts = reader.probe(limits)
            upright = UprightRgb(facts, longest_side_px)
            for picture in reader.pictures(
                facts, selection, report, limits, longest_side_px=longest_side_px
            ):
                seen.append((picture.index, picture.time_s, upright(picture.image)))
        except LiftError as error:
            return (error.code, error.detail), seen, report
    return facts, seen, report


def assert_same(here, boxed):
    facts, pictures, report = here
    boxed_facts, boxed_pictures, boxed_report = boxed
    assert boxed_facts == facts
    assert boxed_report == report
    assert [p[:2] for p in boxed_pictures] == [p[:2] for p in pictures]
    for (_, _, own), (_, _, other) in zip(pictures, boxed_pictures, strict=True):
        np.testing.assert_array_equal(other, own)


@pytest.mark.parametrize("name", CLIPS)
def test_the_same_bit_for_bit(tmp_path, boxes, name):
    path = make_video(tmp_path / name, **{"frames": 8} | CLIPS[name])
    for side_px in (None, 64):
        here = look(read_here, path, longest_side_px=side_px)
        assert len(here[1]) == 8
        assert_same(here, look(boxes.open, path, longest_side_px=side_px))


def test_ranges_and_rates(tmp_path, boxes):
    path = make_video(tmp_path / "clip.mp4", frames=200, fps=20, size=(64, 48), gop=15)
    for selection in (FrameSelection(start_s=7.5, end_s=9.0), FrameSelection(3, max_fps=4.0)):
        here = look(read_here, path, selection)
        assert here[1]
        assert_same(here, look(boxes.open, path, selection))


def test_pictures_larger_than_all_slots_and_of_changing_size(tmp_path, boxes):
    small = make_video(tmp_path / "a.avi", codec="mjpeg", frames=2, size=(128, 96))
    large = make_video(tmp_path / "b.avi", codec="mjpeg", frames=1, size=(4096, 3072))
    path = joined(tmp_path / "ba.avi", [large, small])
    here = look(read_here, path)
    assert here[1][0][2].nbytes > 32 << 20
    assert_same(here, look(boxes.open, path))


def agreed_frames(boxes, path, tries=200):
    """How many frames both sides see alike.

    FFmpeg does not always agree with itself: what its threads make of damaged HEVC depends on which
    of them is ahead, in the box and here. A difference of ours would be there every time.
    """
    for last in range(tries, 0, -1):
        here, boxed = look(read_here, path), look(boxes.open, path)
        try:
            assert_same(here, boxed)
        except AssertionError:
            if last == 1:
                raise
        else:
            return len(here[1])
    raise AssertionError


@pytest.mark.parametrize(
    ("codec", "suffix"), [("h264", ".mkv"), ("vp9", ".webm"), ("mpeg4", ".avi"), ("hevc", ".ts")]
)
def test_damaged_files(tmp_path, boxes, codec, suffix):
    whole = make_video(tmp_path / f"clip{suffix}", codec=codec, frames=40).read_bytes()
    path, counts = tmp_path / "damaged", []
    for seed in range(4):
        dice, content = random.Random(seed), bytearray(whole)
        for _ in range(8):
            content[dice.randrange(600, len(content))] = dice.randrange(256)
        path.write_bytes(content[: dice.randrange(len(content) // 2, len(content))])
        counts.append(agreed_frames(boxes, path))
    assert min(counts) < 40


@pytest.mark.parametrize(
    "limits", [VideoLimits(max_side_px=100), VideoLimits(max_duration_s=0.1), VideoLimits(200)]
)
def test_refusals(tmp_path, boxes, limits):
    path = make_video(tmp_path / "clip.mp4", frames=8)
    here = look(read_here, path, limits=limits)
    assert isinstance(here[0], tuple)
    assert_same(here, look(boxes.open, path, limits=limits))


def test_a_file_is_read_by_those_who_have_it_open(tmp_path, boxes):
    """It may be deleted meanwhile, and another one may have its name."""
    path = make_video(tmp_path / "clip.mp4", frames=30)
    with boxes.open(path) as reader:
        facts = reader.probe()
        path.unlink()
        assert len(list(reader.pictures(facts))) == 30


def test_a_reader_may_be_asked_again(tmp_path, boxes):
    path = make_video(tmp_path / "clip.mp4", frames=30)
    with boxes.open(path) as reader:
        facts = reader.probe()
        half = reader.pictures(facts)
        assert [next(half).index for _ in range(15)] == list(range(15))
        half.close()
        assert len(list(reader.pictures(facts))) == 30
        assert reader.probe() == facts


def test_a_long_video_passes_through_few_slots(tmp_path, boxes):
    path = make_video(tmp_path / "clip.mp4", codec="mpeg4", frames=400, size=(64, 48))
    with boxes.open(path) as reader:
        facts, steps = reader.probe(), []
        pictures = reader.pictures(facts, on_step=lambda: steps.append(0))
        assert [picture.index for picture in pictures] == list(range(400))
    assert len(steps) >= 400
