"""Cut and damaged files: what is there is used, and the report says what was not."""

import gc
import random

import av
import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import VideoError, VideoTruncated
from core.video.stream import DecodeReport, FrameSelection, probe, stream_frames
from tests.videos import make_video, read_index


def damaged(path, content):
    path.write_bytes(content)
    report = DecodeReport()
    return list(stream_frames(path, probe(path), report=report)), report


def test_an_mp4_without_its_end_cannot_be_read(tmp_path):
    path = make_video(tmp_path / "clip.mp4", frames=60)
    path.write_bytes(path.read_bytes()[:-2000])  # the index is at the end
    with pytest.raises(VideoTruncated, match="cut off"):
        probe(path)


@pytest.mark.parametrize(
    ("codec", "suffix"),
    [("h264", ".mp4"), ("hevc", ".mp4"), ("av1", ".mp4"), ("h264", ".mkv"), ("vp9", ".webm"),
     ("mpeg4", ".avi"), ("mjpeg", ".avi")],
)  # fmt: skip
@pytest.mark.usefixtures("any_cores")
def test_a_cut_file_gives_what_it_has_and_says_so(tmp_path, codec, suffix):
    muxer_options = {"movflags": "faststart"} if suffix == ".mp4" else {}
    path = make_video(
        tmp_path / f"clip{suffix}", codec=codec, frames=90, muxer_options=muxer_options
    )
    content = path.read_bytes()
    frames, report = damaged(path, content[: len(content) * 6 // 10])
    numbers = [read_index(frame.rgb) for frame in frames]
    assert 20 < len(frames) < 80
    assert numbers == list(range(len(frames)))
    assert [frame.time_s for frame in frames] == pytest.approx(
        [number / 30 for number in numbers], abs=1e-3
    )
    assert report.truncated


def test_a_whole_file_is_not_called_cut(tmp_path):
    for suffix in (".mp4", ".mkv", ".avi", ".ts"):
        path = make_video(tmp_path / f"clip{suffix}", frames=40)
        _, report = damaged(path, path.read_bytes())
        assert report == DecodeReport(frames_decoded=40, frames_used=40), suffix


def test_an_early_end_of_the_range_is_not_called_cut(tmp_path):
    path = make_video(tmp_path / "clip.mp4", frames=90)
    report = DecodeReport()
    list(stream_frames(path, probe(path), FrameSelection(end_s=1.0), report))
    assert not report.truncated


@pytest.mark.usefixtures("any_cores")
@pytest.mark.parametrize("suffix", [".avi", ".mov"])
def test_damaged_pictures_are_left_out_and_counted(tmp_path, suffix):
    path = make_video(tmp_path / f"clip{suffix}", codec="mjpeg", frames=30)
    content = bytearray(path.read_bytes())
    pictures = [at for at in range(len(content)) if content.startswith(b"\xff\xd8\xff", at)]
    for number in (5, 6, 20):  # nothing of these is left but their length
        start, stop = pictures[number], content.index(b"\xff\xd9", pictures[number])
        content[start:stop] = bytes(stop - start)
    frames, report = damaged(path, content)
    whole = [number for number in range(30) if number not in (5, 6, 20)]
    assert [read_index(frame.rgb) for frame in frames] == whole
    assert [frame.time_s for frame in frames] == pytest.approx([n / 30 for n in whole], abs=1e-3)
    assert report.decode_errors == 3
    assert not report.truncated


@pytest.mark.parametrize(("codec", "suffix"), [("h264", ".mkv"), ("vp9", ".webm")])
@pytest.mark.usefixtures("any_cores")
def test_what_is_made_of_damaged_pictures_is_always_the_same(tmp_path, codec, suffix):
    """Guesses of a decoder depend on how many of its threads are at work on what."""
    path = make_video(tmp_path / f"clip{suffix}", codec=codec, frames=60, size=(128, 96))
    content = bytearray(path.read_bytes())
    dice = random.Random(3)
    for _ in range(6):
        content[dice.randrange(2000, len(content))] = dice.randrange(256)
    first, report = damaged(path, content)
    assert report.decode_errors > 0
    for _ in range(3):
        again, _ = damaged(path, content)
        assert [f.rgb.tobytes() for f in again] == [f.rgb.tobytes() for f in first]


def test_nothing_that_decodes(tmp_path):
    path = make_video(tmp_path / "clip.avi", codec="mjpeg", frames=5)
    content = bytearray(path.read_bytes())
    start, stop = content.index(b"movi") + 4, content.index(b"idx1")
    for at in range(start, stop):
        if content[at] == 0xFF:
            content[at] = 0
    path.write_bytes(content)
    with pytest.raises(VideoTruncated, match="No picture"):
        probe(path)


@pytest.fixture(scope="module")
def victims(tmp_path_factory):
    folder = tmp_path_factory.mktemp("victims")
    return [
        make_video(folder / name, codec=codec, frames=12, size=(64, 48))
        for name, codec in (
            ("a.mp4", "h264"), ("b.mkv", "h264"), ("c.avi", "mpeg4"), ("d.webm", "vp9"),
            ("e.ts", "hevc"), ("f.mov", "mjpeg"),
        )
    ]  # fmt: skip


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_damage_ends_in_frames_or_a_coded_error(victims, tmp_path, data):
    content = bytearray(data.draw(st.sampled_from(victims)).read_bytes())
    rng = random.Random(data.draw(st.integers(0, 2**32)))
    for _ in range(data.draw(st.integers(1, 30))):
        content[rng.randrange(len(content))] = rng.randrange(256)
    path = tmp_path / "damaged"
    path.write_bytes(content[: rng.randrange(len(content))] if rng.random() < 0.3 else content)
    report = DecodeReport()
    last_s = float("-inf")
    # Anything but a coded error fails the test.
    try:
        facts = probe(path)
        for frame in stream_frames(path, facts, report=report):
            assert frame.rgb.shape == (facts.height_px, facts.width_px, 3)
            assert frame.time_s > last_s
            last_s = frame.time_s
    except VideoError:
        pass


def test_leaving_early_closes_the_file(tmp_path):
    path = make_video(tmp_path / "clip.mp4", frames=60)
    process, facts = psutil.Process(), probe(path)
    frames = stream_frames(path, facts)
    next(frames)
    assert str(path) in {file.path for file in process.open_files()}
    frames.close()
    assert str(path) not in {file.path for file in process.open_files()}
    abandoned = stream_frames(path, facts)
    next(abandoned)
    del abandoned
    gc.collect()
    assert str(path) not in {file.path for file in process.open_files()}


def test_memory_does_not_grow_with_the_video(tmp_path, traced):
    """Neither with its pictures nor with what FFmpeg decoded: few are held, late as early."""
    path = make_video(tmp_path / "clip.mp4", codec="mpeg4", frames=300, size=(640, 360), gop=50)
    facts, held, peaks = probe(path), [], []
    before, _ = traced.get_traced_memory()
    traced.reset_peak()
    for number, _ in enumerate(stream_frames(path, facts)):
        if number % 50 == 49:
            peaks.append(traced.get_traced_memory()[1])
            held.append(_pictures_held())
            traced.reset_peak()  # the list of all objects was large itself
    assert len(held) == 6
    assert min(held) > 0
    assert max(held) - held[0] < 20
    assert max(peaks) - before < 20e6  # all pictures together would be 207 MB


def _pictures_held() -> int:
    # Not isinstance, which asks others' objects what they are; some answer with warnings.
    return sum(issubclass(type(one), av.VideoFrame) for one in gc.get_objects())
