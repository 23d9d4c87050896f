"""Stride, rate limit and time range: which frames, and that a late start changes nothing."""

import math

import numpy as np
import pytest

from core.errors import RangeOutsideVideo
from core.video.containers import open_video
from core.video.decoding import find_entry
from core.video.stream import DecodeReport, FrameSelection, VideoLimits, probe, stream_frames
from tests.videos import make_video, read_index


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Four seconds at 30 fps."""
    return make_video(tmp_path_factory.mktemp("selection") / "clip.mp4", frames=120)


def indices(path, **selection):
    frames = stream_frames(path, probe(path), FrameSelection(**selection))
    return [frame.index for frame in frames]


def test_stride_counts_from_the_first_frame_in_range(clip):
    assert indices(clip, stride=50) == [0, 50, 100]
    assert indices(clip, stride=50, start_s=1.0) == [30, 80]


def test_range_includes_its_start_and_excludes_its_end(clip):
    assert indices(clip, start_s=1.0, end_s=1.1) == [30, 31, 32]
    assert indices(clip, start_s=0.333333, end_s=0.4) == [10, 11]  # a third of a second, rounded
    assert indices(clip, start_s=3.9) == [117, 118, 119]


@pytest.mark.parametrize(("start_s", "end_s"), [(60.0, None), (4.0, 5.0), (0.34, 0.35)])
def test_a_range_without_frames_is_refused(clip, start_s, end_s):
    with pytest.raises(RangeOutsideVideo, match=f"{start_s:g} s"):
        indices(clip, start_s=start_s, end_s=end_s)


def test_the_end_stops_decoding(clip):
    report = DecodeReport()
    list(stream_frames(clip, probe(clip), FrameSelection(end_s=0.5), report))
    assert report.frames_used == 15
    assert report.frames_decoded < 40  # not 120
    assert not report.truncated


@pytest.mark.parametrize("max_fps", [0.5, 1, 7, 10, 15, 20, 29, 30, 60])
def test_rate_limit_goes_by_time(clip, max_fps):
    selection = FrameSelection(max_fps=float(max_fps))
    times_s = [frame.time_s for frame in stream_frames(clip, probe(clip), selection)]
    assert len(times_s) == math.ceil(4 * min(max_fps, 30))
    grid_s = np.arange(len(times_s)) / min(max_fps, 30)
    late_s = np.array(times_s) - grid_s  # each is the first one after its point of the grid
    assert (late_s > -0.005).all()
    assert (late_s < 1 / 30).all()


def test_rate_limit_on_uneven_times_drops_only_where_frames_are_dense(tmp_path):
    dense_s, sparse_s = np.arange(20) * 0.01, 0.3 + np.arange(5) * 0.2
    path = make_video(tmp_path / "clip.mkv", times_s=[*dense_s, *sparse_s])
    assert indices(path, max_fps=10.0) == [0, 10, 20, 21, 22, 23, 24]


def test_a_rate_limit_of_the_videos_own_rate_drops_nothing(tmp_path):
    # Matroska rounds 1/30 s to 33, 67, 100 ms: half of the frames come a little early.
    path = make_video(tmp_path / "clip.mkv", frames=90)
    assert indices(path, max_fps=30.0) == list(range(90))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm", ".avi", ".ts"])
def test_a_late_start_gives_the_same_frames_as_decoding_everything(tmp_path, suffix):
    options = {"preset": "veryfast", "x264-params": "open-gop=1"}
    path = make_video(
        tmp_path / f"clip{suffix}", codec="vp9" if suffix == ".webm" else "h264", frames=200,
        fps=20, size=(64, 48), options=None if suffix == ".webm" else options, b_frames=3, gop=15,
    )  # fmt: skip
    facts = probe(path)
    whole, report = list(stream_frames(path, facts)), DecodeReport()

    late = list(stream_frames(path, facts, FrameSelection(start_s=7.5, end_s=9.0), report))

    assert [frame.index for frame in late] == list(range(150, 180))
    assert [read_index(frame.rgb) for frame in late] == list(range(150, 180))
    for frame in late:
        assert frame.time_s == whole[frame.index].time_s
        np.testing.assert_array_equal(frame.rgb, whole[frame.index].rgb)
    if suffix in {".mp4", ".mkv", ".webm"}:
        assert report.frames_decoded < 120  # the first seconds were passed over


def test_decoding_starts_at_a_keyframe_well_before_the_range(tmp_path):
    path = make_video(tmp_path / "clip.mp4", frames=100, fps=10, gop=10, size=(64, 48))
    with open_video(path, VideoLimits()) as video:
        entry = find_entry(video, 6.05)
    assert (entry.packets, entry.pictures) == (40, 61)
