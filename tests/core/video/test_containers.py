"""Bad and hostile files: each refused with its own code, none followed anywhere."""

import resource
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import av
import numpy as np
import pytest

from core.errors import (
    CodecUnsupported,
    NotAVideo,
    VideoError,
    VideoHasNoFrames,
    VideoHasNoPictures,
    VideoTooLarge,
    VideoTooLong,
    VideoTooSmall,
    VideoTruncated,
)
from core.video import containers
from core.video.containers import open_video
from core.video.stream import DecodeReport, VideoLimits, probe, stream_frames
from tests.videos import huge, make_video, read_index


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(NotAVideo, match=r"nothing\.mp4"):
        probe(tmp_path / "nothing.mp4")
    with pytest.raises(NotAVideo):
        probe(tmp_path)


@pytest.mark.parametrize("content", [b"", b"hello, I am a video", bytes(5000)])
def test_not_a_video_whatever_its_name(tmp_path, content):
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    with pytest.raises(NotAVideo):
        probe(path)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
def test_sound_only(tmp_path, suffix):
    path = make_video(tmp_path / f"sound{suffix}", audio_only=True)
    with pytest.raises(VideoHasNoPictures):
        probe(path)


def test_a_cover_image_is_no_video(tmp_path):
    path = tmp_path / "song.mp4"
    with av.open(str(path), "w") as output:
        sound = output.add_stream("mp2", rate=48_000)
        cover = output.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        picture = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), "rgb24")
        output.mux(cover.encode(picture))
        output.mux(cover.encode(None))
        for start in range(0, 48_000, 1152):
            silence = av.AudioFrame.from_ndarray(np.zeros((1, 2304), np.int16), "s16", "stereo")
            silence.sample_rate, silence.pts = 48_000, start
            output.mux(sound.encode(silence))
        output.mux(sound.encode(None))
    with av.open(str(path)) as container:
        assert container.streams.video  # FFmpeg does call it a video stream
    with pytest.raises(VideoHasNoPictures):
        probe(path)


@pytest.mark.parametrize("codec", ["ffv1", "prores_ks", "libvpx"])
def test_codecs_that_are_not_on_the_list(tmp_path, codec):
    pixel_format = "yuv422p10le" if codec == "prores_ks" else None
    path = make_video(tmp_path / "clip.mkv", codec=codec, pixel_format=pixel_format, frames=2)
    with pytest.raises(CodecUnsupported, match=r"h264.*mjpeg"):
        probe(path)


@pytest.mark.parametrize(
    ("codec", "suffix"), [("mpeg4", ".mp4"), ("mpeg4", ".avi"), ("vp9", ".webm")]
)
def test_three_by_three_pixels(tmp_path, codec, suffix):
    path = make_video(tmp_path / f"tiny{suffix}", codec=codec, size=(3, 3), frames=2)
    with pytest.raises(VideoTooSmall, match="3 x 3"):
        probe(path)


@pytest.mark.parametrize("side_px", [20_000, 12_000])  # beyond FFmpeg's own limit, and below it
def test_a_huge_picture_is_refused_without_decoding(tmp_path, side_px):
    path = huge(tmp_path / "huge.avi", side_px)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(VideoTooLarge, match=f"{side_px} x {side_px}"):
        probe(path)
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown_kib < 200_000  # one such picture takes 600 MB


def joined(path: Path, parts: list[Path]) -> Path:
    """The pictures of several videos in one stream, whatever their sizes."""
    stamp = 0
    with av.open(str(path), "w") as output, av.open(str(parts[0])) as first:
        stream = output.add_stream_from_template(first.streams.video[0])
        for part in parts:
            with av.open(str(part)) as source:
                for packet in source.demux(video=0):
                    if packet.size:
                        packet.stream, packet.pts, packet.dts = stream, stamp, stamp
                        output.mux(packet)
                        stamp += 1
    return path


def test_pictures_that_grow_beyond_the_limit_are_not_decoded(tmp_path):
    small = make_video(tmp_path / "a.avi", codec="mjpeg", frames=30, size=(128, 96))
    large = make_video(tmp_path / "b.avi", codec="mjpeg", frames=5, size=(192, 144))
    path = joined(tmp_path / "ab.avi", [small, large])
    limits, report = VideoLimits(max_pixels=128 * 96), DecodeReport()
    frames = list(stream_frames(path, probe(path, limits), report=report, limits=limits))
    assert [read_index(frame.rgb) for frame in frames] == list(range(30))
    assert report.decode_errors == 5

    allowed = list(stream_frames(path, probe(path)))
    assert [read_index(frame.rgb) for frame in allowed] == [*range(30), *range(5)]
    assert {frame.rgb.shape for frame in allowed} == {(96, 128, 3)}


@pytest.mark.parametrize(
    ("limits", "error"),
    [
        (VideoLimits(max_side_px=100), VideoTooLarge),
        (VideoLimits(max_pixels=128 * 96 - 1), VideoTooLarge),
        (VideoLimits(min_side_px=97), VideoTooSmall),
        (VideoLimits(max_duration_s=0.9), VideoTooLong),
        (VideoLimits(max_streams=0), VideoError),
    ],
)
def test_limits_are_checked_before_decoding(tmp_path, limits, error):
    path = make_video(tmp_path / "clip.mp4", frames=30)
    with pytest.raises(error), open_video(path, limits):
        pass
    with open_video(path, VideoLimits(96, 128, 128 * 96, 1.0, 1)):
        pass


def test_a_video_longer_than_its_header_says_is_stopped(tmp_path):
    path = make_video(tmp_path / "clip.mkv", times_s=[0, 1, 2, 3])
    content = path.read_bytes().replace(b"DURATION", b"XURATION")
    at = content.index(b"\x44\x89\x88") + 3  # the segment's duration, a float64 in milliseconds
    path.write_bytes(content[:at] + np.array(1000.0, ">f8").tobytes() + content[at + 8 :])
    limits = VideoLimits(max_duration_s=2.5)
    facts = probe(path, limits)
    assert facts.duration_s == 1.0
    with pytest.raises(VideoTooLong):
        list(stream_frames(path, facts, limits=limits))


@pytest.mark.parametrize(
    ("suffix", "error"),
    # An MKV that ends after its headers cannot be told from one that was cut off there.
    [(".mp4", VideoHasNoFrames), (".avi", VideoHasNoFrames), (".mkv", VideoTruncated)],
)
def test_a_video_without_frames(tmp_path, suffix, error):
    path = tmp_path / f"none{suffix}"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("mpeg4", rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        output.start_encoding()
    with pytest.raises(error):
        probe(path)


@pytest.mark.parametrize(
    "name",
    [
        "concat:a.mp4|b.mp4", "http:host.mp4", "subfile,,start,0,end,9,,:clip.mp4", "file:clip.mp4",
        "-i.mp4", "clip%03d.mp4", "data:text,hello.mp4", "cache:clip.mp4", "a b\n'ü.mp4",
    ],
)  # fmt: skip
def test_a_name_is_only_a_name(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    make_video(tmp_path / "made.mp4", frames=3).rename(tmp_path / name)
    path = Path(name)  # relative: nothing in front of it
    assert len(list(stream_frames(path, probe(path)))) == 3


def test_a_playlist_in_disguise_reaches_nobody(tmp_path):
    reached = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            reached.append(self.path)
            self.send_error(404)

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/secret"
        playlist = f"#EXTM3U\n#EXTINF:1,\n{url}\n".encode()
        (tmp_path / "list.mp4").write_bytes(playlist)
        # The playlist behind a valid first box: what a probe by content would still find.
        (tmp_path / "boxed.mp4").write_bytes(b"\0\0\0\x10ftypisom\0\0\0\0" + playlist)
        for name in ("list.mp4", "boxed.mp4"):
            with pytest.raises(VideoError):
                probe(tmp_path / name)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert reached == []


def test_a_quicktime_reference_to_another_file_is_not_followed(tmp_path):
    # A MOV may keep its pictures in another file, named by an alias in its "dref" box.
    other = make_video(tmp_path / "other.mov", codec="mjpeg", frames=2)
    content = other.read_bytes()
    dref = content.index(b"dref") - 4
    size = int.from_bytes(content[dref : dref + 4], "big")
    self_contained = content[dref : dref + size]
    assert self_contained.endswith(b"\0\0\0\1")  # flag: pictures are in this file
    path = tmp_path / "alias.mov"
    path.write_bytes(content.replace(self_contained, self_contained[:-1] + b"\0"))
    other.unlink()
    with open_video(path, VideoLimits()) as video:
        assert video.container.format.name == "mov"


@pytest.mark.parametrize(
    ("cores", "size", "threads"),
    [(1, (1920, 1080), 1), (2, (1080, 1920), 1), (2, (2560, 1440), 4), (4, (1920, 1080), 4)],
)
def test_few_cores_decode_ordinary_pictures_one_by_one(tmp_path, monkeypatch, cores, size, threads):
    monkeypatch.setattr(containers, "usable_cores", lambda: cores)
    path = make_video(tmp_path / "clip.mp4", frames=1, size=size)
    with open_video(path, VideoLimits()) as video:
        assert video.stream.codec_context.thread_count == threads
