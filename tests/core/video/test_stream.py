"""Every container and codec: the right frames, upright, unsheared, at their true times."""

import os
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from core.contracts import JobOptions
from core.video import containers
from core.video.stream import (
    DecodeReport,
    Frame,
    FrameSelection,
    VideoFacts,
    expected_frames,
    probe,
    stream_frames,
)
from tests.videos import is_upright, make_video, packet_times, paint, read_index

NTSC = Fraction(30_000, 1001)
UNEVEN_S = tuple(np.cumsum([0, 33, 17, 50, 200, 33, 34, 1, 99, 412, 33, 33, 100, 16]) / 1000)


def frames_of(path: Path, selection: FrameSelection | None = None) -> list[Frame]:
    return list(stream_frames(path, probe(path), selection))


def times_of(frames: list[Frame]) -> list[float]:
    return [frame.time_s for frame in frames]


@pytest.mark.usefixtures("any_cores")
@pytest.mark.parametrize(
    ("codec", "suffix"),
    [
        ("h264", ".mp4"), ("h264", ".mov"), ("h264", ".mkv"), ("h264", ".avi"), ("h264", ".ts"),
        ("hevc", ".mp4"), ("hevc", ".mkv"), ("hevc", ".ts"), ("vp9", ".webm"), ("vp9", ".mp4"),
        ("av1", ".webm"), ("av1", ".mp4"), ("mpeg4", ".avi"), ("mpeg4", ".mp4"),
        ("mjpeg", ".avi"), ("mjpeg", ".mov"),
    ],
)  # fmt: skip
def test_every_frame_arrives_once_in_order_and_on_time(tmp_path, codec, suffix):
    path = make_video(tmp_path / f"clip{suffix}", codec=codec, frames=20, fps=NTSC)
    facts = probe(path)
    report = DecodeReport()

    frames = list(stream_frames(path, facts, report=report))

    assert (facts.codec, facts.container) == (codec, suffix[1:])
    assert (facts.width_px, facts.height_px, facts.rotation_deg) == (128, 96, 0)
    assert facts.average_fps == pytest.approx(float(NTSC), rel=1e-3)
    assert facts.duration_s == pytest.approx(20 / NTSC, abs=0.002)
    assert facts.frame_count_estimate == 20
    assert [read_index(frame.rgb) for frame in frames] == list(range(20))
    assert [frame.index for frame in frames] == list(range(20))
    assert times_of(frames) == pytest.approx(
        [i / NTSC + facts.start_s for i in range(20)], abs=1e-3
    )
    assert report == DecodeReport(frames_decoded=20, frames_used=20)


@pytest.mark.parametrize(
    ("codec", "suffix"),
    [("h264", ".mp4"), ("hevc", ".mp4"), ("vp9", ".webm"), ("av1", ".mp4"), ("mpeg4", ".avi")],
)
def test_sound_pictures_are_the_same_however_many_cores_decode_them(
    tmp_path, monkeypatch, codec, suffix
):
    path = make_video(tmp_path / f"clip{suffix}", codec=codec, frames=40)
    pictures = []
    for cores in (2, 8):
        monkeypatch.setattr(containers, "usable_cores", lambda cores=cores: cores)
        pictures.append([frame.rgb.tobytes() for frame in stream_frames(path, probe(path))])
    assert len(pictures[0]) == 40
    assert pictures[0] == pictures[1]


@pytest.mark.usefixtures("any_cores")
@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".ts"])
def test_b_frames_come_in_order_of_presentation(tmp_path, suffix):
    options = {"preset": "veryfast"}  # ultrafast has no B-frames
    path = make_video(tmp_path / f"clip{suffix}", frames=25, fps=NTSC, b_frames=3, options=options)
    frames = frames_of(path)
    assert [read_index(frame.rgb) for frame in frames] == list(range(25))
    assert times_of(frames) == pytest.approx(packet_times(path), abs=1e-6)


@pytest.mark.parametrize("codec", ["h264", "mpeg4"])
def test_avi_with_b_frames_has_even_times(tmp_path, codec):
    # FFmpeg's own times are 1, 2, 4, 3, 5, 7 ticks for the h264 file.
    options = {"preset": "veryfast"} if codec == "h264" else {}
    path = make_video(tmp_path / "clip.avi", codec=codec, frames=25, b_frames=2, options=options)
    frames = frames_of(path)
    assert [read_index(frame.rgb) for frame in frames] == list(range(25))
    assert times_of(frames) == pytest.approx([i / 30 for i in range(25)], abs=1e-6)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])
def test_variable_frame_rate_keeps_packet_times(tmp_path, suffix):
    codec = "vp9" if suffix == ".webm" else "h264"
    path = make_video(tmp_path / f"clip{suffix}", codec=codec, times_s=UNEVEN_S)
    frames = frames_of(path)
    assert times_of(frames) == pytest.approx(packet_times(path), abs=1e-6)
    assert times_of(frames) == pytest.approx(UNEVEN_S, abs=1e-3)
    assert [read_index(frame.rgb) for frame in frames] == list(range(len(UNEVEN_S)))


@pytest.mark.parametrize("rotation_deg", [90, 180, 270])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_rotation_is_applied_and_recorded(tmp_path, rotation_deg, suffix):
    path = make_video(tmp_path / f"clip{suffix}", frames=5, rotation_deg=rotation_deg, fps=NTSC)
    facts, frames = probe(path), frames_of(path)
    assert facts.rotation_deg == rotation_deg
    assert (facts.stored_width_px, facts.stored_height_px) == (128, 96)
    assert (facts.width_px, facts.height_px) == ((128, 96) if rotation_deg == 180 else (96, 128))
    for frame in frames:
        assert frame.rgb.shape == (facts.height_px, facts.width_px, 3)
        assert frame.rgb.flags.c_contiguous
        assert is_upright(frame.rgb)
    assert [read_index(frame.rgb) for frame in frames] == list(range(5))
    assert times_of(frames) == pytest.approx(packet_times(path), abs=1e-6)


def test_unrotated_picture_is_not_upright_when_its_metadata_is_ignored(tmp_path):
    # The check itself must be able to fail.
    path = make_video(tmp_path / "clip.mp4", frames=1, rotation_deg=90)
    upright = frames_of(path)[0].rgb
    assert not is_upright(np.rot90(upright))


def test_an_odd_angle_becomes_the_nearest_quarter_turn(tmp_path):
    path = make_video(tmp_path / "clip.mp4", frames=2, rotation_deg=93)
    assert probe(path).rotation_deg == 90
    assert is_upright(frames_of(path)[0].rgb)


@pytest.mark.parametrize("size", [(101, 67), (99, 130), (64, 65)])
@pytest.mark.parametrize("rotation_deg", [0, 90])
def test_odd_sizes_do_not_shear(tmp_path, size, rotation_deg):
    path = make_video(
        tmp_path / "clip.mp4", size=size, frames=2, rotation_deg=rotation_deg, codec="mpeg4",
        options={"qscale": "1"},
    )  # fmt: skip
    frame = frames_of(path)[0]
    width, height = size[::-1] if rotation_deg else size
    painted = paint(0, width, height)
    assert frame.rgb.shape == painted.shape
    assert np.abs(frame.rgb.astype(int) - painted).mean() < 12
    assert frame.rgb.flags.c_contiguous


@pytest.mark.parametrize(
    ("codec", "pixel_format"),
    [("h264", "yuv422p"), ("h264", "yuv444p"), ("h264", "yuv420p10le"), ("hevc", "yuv420p10le"),
     ("h264", "yuvj420p"), ("h264", "gray"), ("av1", "yuv420p10le"), ("mjpeg", "yuvj422p")],
)  # fmt: skip
def test_unusual_pixel_formats(tmp_path, codec, pixel_format):
    path = make_video(
        tmp_path / "clip.mkv", codec=codec, pixel_format=pixel_format, frames=3, size=(96, 64)
    )
    frames = frames_of(path)
    assert [read_index(frame.rgb) for frame in frames] == [0, 1, 2]
    assert pixel_format == "gray" or is_upright(frames[0].rgb)


def test_wide_pixels_are_made_square(tmp_path):
    path = make_video(tmp_path / "dv.mp4", size=(96, 72), frames=2, pixel_aspect=Fraction(16, 9))
    facts, frame = probe(path), frames_of(path)[0]
    assert (facts.width_px, facts.height_px) == (171, 72)
    assert (facts.stored_width_px, facts.stored_height_px) == (96, 72)
    assert frame.rgb.shape == (72, 171, 3)
    assert is_upright(frame.rgb)


def test_wrong_extension_does_not_matter(tmp_path):
    path = make_video(tmp_path / "clip.mkv", frames=3).rename(tmp_path / "clip.mp4")
    assert probe(path).container == "mkv"
    assert len(frames_of(path)) == 3


def test_sound_is_noted_and_ignored(tmp_path):
    path = make_video(tmp_path / "clip.mp4", frames=10, with_audio=True)
    assert probe(path).has_audio
    assert not probe(make_video(tmp_path / "mute.mp4", frames=2)).has_audio
    report = DecodeReport()
    assert len(list(stream_frames(path, probe(path), report=report))) == 10
    assert not report.truncated  # although the sound goes on for longer than the pictures


def test_frames_before_and_after_zero_keep_the_files_clock(tmp_path):
    late = make_video(tmp_path / "late.mkv", times_s=[5.0, 5.1, 5.2, 5.3])
    assert probe(late).start_s == pytest.approx(5.0)
    assert times_of(frames_of(late)) == pytest.approx([5.0, 5.1, 5.2, 5.3])
    assert times_of(frames_of(late, FrameSelection(start_s=0.1, end_s=0.3))) == pytest.approx(
        [5.1, 5.2]
    )


def test_one_frame_is_a_video(tmp_path):
    path = make_video(tmp_path / "clip.mp4", frames=1)
    assert [frame.index for frame in frames_of(path)] == [0]


def test_a_picture_of_another_size_is_scaled_to_the_first(tmp_path):
    # A transport stream may change its size on the way; results are in pixels of one frame.
    first = make_video(tmp_path / "a.ts", frames=5, size=(128, 96))
    second = make_video(tmp_path / "b.ts", frames=5, size=(192, 144))
    joined = tmp_path / "ab.ts"
    joined.write_bytes(first.read_bytes() + second.read_bytes())
    report = DecodeReport()
    frames = list(stream_frames(joined, probe(joined), report=report))
    assert [read_index(frame.rgb) for frame in frames] == [0, 1, 2, 3, 4] * 2
    assert {frame.rgb.shape for frame in frames} == {(96, 128, 3)}
    assert (np.diff(times_of(frames)) > 0).all()


@pytest.mark.parametrize("suffix", [".mp4", ".avi"])
def test_every_bit_that_is_read_is_a_step_however_far_from_the_range(tmp_path, suffix):
    path = make_video(tmp_path / f"long{suffix}", frames=200, size=(64, 48))
    facts, steps, at_first = probe(path), [], None
    selection = FrameSelection(start_s=6.0)
    for _ in stream_frames(path, facts, selection, on_step=lambda: steps.append(0)):
        at_first = at_first or len(steps)
    assert at_first is not None
    assert at_first >= 180  # frames before the range
    assert len(steps) >= 200

    def stop():
        steps.append(0)
        raise InterruptedError

    steps.clear()
    with pytest.raises(InterruptedError):
        next(stream_frames(path, facts, selection, on_step=stop))
    assert len(steps) == 1


def test_a_selection_comes_from_job_options():
    options = JobOptions(stride=3, max_fps=10, start_s=1, end_s=2)
    assert FrameSelection.of(options) == FrameSelection(3, 10.0, 1.0, 2.0)


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (FrameSelection(), 300),
        (FrameSelection(stride=4), 75),
        (FrameSelection(start_s=2.0, end_s=4.0), 60),
        (FrameSelection(end_s=99.0), 300),
        (FrameSelection(max_fps=10.0), 100),
        (FrameSelection(max_fps=100.0), 300),
        (FrameSelection(stride=2, max_fps=20.0), 150),
    ],
)
def test_expected_frames(selection, expected):
    facts = VideoFacts(64, 64, 0, 10.0, 300, 30.0, "h264", "mp4", 64, 64)
    assert expected_frames(facts, selection) == expected


def test_expected_frames_may_be_unknown():
    facts = VideoFacts(64, 64, 0, None, None, 30.0, "vp9", "webm", 64, 64)
    assert expected_frames(facts, FrameSelection()) is None


@pytest.mark.skipif(not hasattr(os, "sched_getscheduler"), reason="no such thing on this system")
def test_making_a_clip_leaves_this_thread_as_it_was_scheduled(tmp_path: Path):
    """Or all that is started afterwards would take the processors away from everybody else."""
    before = os.sched_getscheduler(0), os.sched_getparam(0).sched_priority
    make_video(tmp_path / "clip.mp4", codec="av1", frames=2)
    assert (os.sched_getscheduler(0), os.sched_getparam(0).sched_priority) == before
