"""What crosses the wall is held against what can be true, whatever a taken-over box makes up."""

import os
import socket
from dataclasses import asdict, replace
from itertools import pairwise

import pytest

from core.errors import DecoderLimits, VideoTruncated
from core.video.box.answers import read_error, read_facts, read_header, read_report
from core.video.box.channel import Channel, Nonsense
from core.video.box.planes import SLOT_BYTES, fill_slots, mapped, shared_memory
from core.video.facts import DecodeReport, VideoFacts, VideoLimits

FACTS = VideoFacts(96, 128, 90, 1.5, 45, 29.97, "h264", "mp4", 128, 96, True, 0.1)
HEADER = {
    "index": 3,
    "time_s": 0.1,
    "size": [128, 96],
    "format": "yuv420p",
    "colors": [2, 0],
    "lines": [192, 96, 96],
    "report": asdict(DecodeReport(frames_decoded=4, frames_used=4)),
}


@pytest.fixture
def ends():
    ours, theirs = socket.socketpair()
    yield Channel(ours), theirs
    ours.close()
    theirs.close()


def test_messages_arrive_whole_and_in_order(ends):
    channel, other = ends
    there = Channel(other)
    for number in range(50):
        there.send({"number": number, "time_s": number / 7})
    assert [channel.receive()["time_s"] for _ in range(50)] == [n / 7 for n in range(50)]
    assert channel.receive(timeout_s=0.0) is None
    other.sendall(b"\0\0\0\x0a" + b'{"x"')
    assert channel.receive(timeout_s=0.0) is None
    other.sendall(b": 15}")
    assert channel.receive(timeout_s=0.0) is None
    other.sendall(b" ")
    assert channel.receive() == {"x": 15}
    other.close()
    with pytest.raises(EOFError):
        channel.receive()


@pytest.mark.parametrize(
    "content",
    [
        b"\0\0\0\2{]",
        b"\0\0\xea\x60" + b"[" * 60_000,
        b"\xff\xff\xff\xff",
        b"\0\0\0\2[]",
        b"\0\0\0\1\xff",
        b"\0\0\0\0",
    ],
)
def test_what_is_no_message(ends, content):
    channel, other = ends
    other.sendall(content)
    with pytest.raises(Nonsense):
        channel.receive()


def test_facts_come_through_unchanged():
    limits = VideoLimits()
    assert read_facts({"facts": asdict(FACTS)}, limits) == FACTS
    unknown = replace(FACTS, duration_s=None, frame_count_estimate=None, average_fps=None)
    assert read_facts({"facts": asdict(unknown)}, limits) == unknown
    with_lens = replace(FACTS, focal_length_35mm=26.0)
    assert read_facts({"facts": asdict(with_lens)}, limits) == with_lens


@pytest.mark.parametrize(
    "lie",
    [
        {"width_px": 10**9}, {"width_px": 0}, {"width_px": 96.0}, {"width_px": True},
        {"height_px": "128"}, {"rotation_deg": 45}, {"rotation_deg": 360}, {"duration_s": "long"},
        {"duration_s": float("nan")}, {"average_fps": float("inf")}, {"start_s": None},
        {"frame_count_estimate": -1}, {"codec": "../../etc"}, {"codec": "x" * 1000}, {"codec": 7},
        {"container": "exe"}, {"stored_width_px": 10**9},
        {"width_px": 16_000, "height_px": 16_000}, {"start_s": 1e300},
        {"focal_length_35mm": 0.0}, {"focal_length_35mm": "26"}, {"focal_length_35mm": -13},
    ],
)  # fmt: skip
def test_facts_that_cannot_be(lie):
    with pytest.raises(Nonsense):
        read_facts({"facts": asdict(FACTS) | lie}, VideoLimits())


def test_a_header_comes_through_unchanged():
    header = read_header({"picture": HEADER}, (128, 96))
    assert (header.index, header.time_s, header.lines) == (3, 0.1, (192, 96, 96))
    assert header.report == DecodeReport(frames_decoded=4, frames_used=4)


@pytest.mark.parametrize(
    "lie",
    [
        {"size": [128, 97]}, {"size": [10**6, 10**6]}, {"size": "large"}, {"format": "cuda"},
        {"format": "rgb24"}, {"lines": [192, 96]}, {"lines": [127, 96, 96]},
        {"lines": [10**9, 96, 96]}, {"lines": [-192, 96, 96]}, {"lines": None}, {"colors": [2]},
        {"colors": [2, 3]}, {"colors": [-1, 0]}, {"colors": [2**40, 0]}, {"index": -1},
        {"index": 1.5}, {"time_s": float("nan")}, {"time_s": "now"}, {"report": {}},
        {"report": None},
    ],
)  # fmt: skip
def test_headers_that_cannot_be(lie):
    with pytest.raises(Nonsense):
        read_header({"picture": HEADER | lie}, (128, 96))


def test_half_pixels_travel_as_rgb_only():
    odd = HEADER | {"size": [101, 67], "lines": [192, 96, 96]}
    with pytest.raises(Nonsense):
        read_header({"picture": odd}, (101, 67))
    rgb = odd | {"format": "rgb24", "lines": [304]}
    assert read_header({"picture": rgb}, (101, 67)).lines == (304,)


def test_errors_are_the_videos_own_and_their_words_are_plain():
    error = read_error({"error": ["video_truncated", "Cut\x1b[2J off.\n" + "x" * 9000]}, 1)
    assert isinstance(error, VideoTruncated)
    assert error.detail.startswith("Cut[2J off.")
    assert len(error.detail) <= 500
    assert isinstance(read_error({"error": ["decoder_limits", "memory"]}, 1 << 20), DecoderLimits)
    for told in (
        ["store_unavailable", "x"],
        ["no_such_code", "x"],
        ["video_truncated"],
        None,
        [1, 2],
    ):
        with pytest.raises(Nonsense):
            read_error({"error": told}, 1)


def test_reports():
    report = DecodeReport(5, 4, 3, 2, True)
    assert read_report({"end": asdict(report)}, "end") == report
    with pytest.raises(Nonsense):
        read_report({"end": asdict(report) | {"frames_used": 1e3}}, "end")


@pytest.mark.parametrize(
    "planes", [[(1920, 1080), (960, 540), (960, 540)], [(64, 3)], [(49_152, 8192)]]
)
def test_slots_hold_every_row_once(planes):
    rows = [[0] * height for _, height in planes]
    for runs in fill_slots(planes):
        assert max(run.end for run in runs) <= SLOT_BYTES
        taken = sorted((run.offset, run.end) for run in runs)
        assert all(a[1] <= b[0] for a, b in pairwise(taken))
        for run in runs:
            for row in range(run.first_row, run.first_row + run.rows):
                rows[run.plane][row] += 1
    assert all(count == 1 for plane in rows for count in plane)


def test_shared_memory_cannot_be_cut_off():
    """Whoever reads behind the end of what was cut off is killed."""
    descriptor = shared_memory()
    try:
        with mapped(descriptor) as memory:
            memory[0] = 1
        if hasattr(os, "memfd_create"):
            with pytest.raises(PermissionError):
                os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)
