"""What crosses the wall is held against what can be true, whatever a taken-over box makes up."""

from dataclasses import asdict, replace

import pytest

from core.box.channel import Nonsense
from core.video.box.answers import read_facts, read_header, read_report
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


def test_reports():
    report = DecodeReport(5, 4, 3, 2, True)
    assert read_report({"end": asdict(report)}, "end") == report
    with pytest.raises(Nonsense):
        read_report({"end": asdict(report) | {"frames_used": 1e3}}, "end")
