"""What a file is, from its first bytes alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import CodecUnsupported, LiftError, NotAVideo, VideoHasNoPictures
from core.video.signatures import HEAD_BYTES, Container, sniff
from tests.videos import make_video


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm", ".avi", ".ts"])
def test_containers_are_known_by_content(tmp_path, suffix):
    codec = "vp9" if suffix == ".webm" else "h264"
    path = make_video(tmp_path / f"clip{suffix}", codec=codec, frames=2)
    head = path.read_bytes()[:HEAD_BYTES]
    assert sniff(head) == Container(suffix[1:])


def test_camera_transport_stream_with_timestamps():
    assert sniff((b"\0\0\0\0\x47" + bytes(187)) * 3) is Container.TS


@pytest.mark.parametrize(
    ("head", "error"),
    [
        (b"", NotAVideo),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", NotAVideo),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", NotAVideo),
        (b"<?xml version='1.0'?><MPD></MPD>", NotAVideo),
        (b"\x89PNG\r\n\x1a\n", NotAVideo),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", NotAVideo),
        (b"PK\x03\x04", NotAVideo),
        (b"\0\0\0\x18ftypheic\0\0\0\0", NotAVideo),
        (b"RIFF\x24\0\0\0WAVEfmt ", VideoHasNoPictures),
        (b"ID3\x04\0\0", VideoHasNoPictures),
        (b"fLaC\0\0\0\x22", VideoHasNoPictures),
        (b"OggS\0\x02", CodecUnsupported),
        (b"FLV\x01\x05", CodecUnsupported),
        (b"\x30\x26\xb2\x75\x8e\x66", CodecUnsupported),
    ],
)
def test_everything_else_is_refused(head, error):
    with pytest.raises(error):
        sniff(head)


@given(st.binary(max_size=600))
def test_any_bytes_are_a_container_or_a_coded_refusal(head):
    try:
        found = sniff(head)
    except LiftError:
        return
    assert isinstance(found, Container)
