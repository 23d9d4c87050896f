"""Decoding on a GPU: what can be proven of it without one. ``benchmarks/gpu.py`` does the rest."""

from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
import torch
from av.codec.hwaccel import HWAccel

from core.video import decoding, gpu_decoding, pictures
from core.video.containers import open_video
from core.video.decoding import _decoded as decoded
from core.video.facts import VideoLimits
from core.video.gpu_decoding import GpuDecoding
from core.video.pictures import probe, stream_pictures
from core.video.reader import read_here
from tests.videos import make_video

SIZE = (192, 128)
INTERLEAVED = {"yuv420p": "nv12", "yuv420p10le": "p010le"}

without_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")


@pytest.fixture
def clip(tmp_path):
    return make_video(tmp_path / "clip.mp4", frames=12, size=SIZE)


def pixels(image):
    """Of each plane, without what its rows are padded with."""
    sample_bytes = 2 if image.format.name.endswith("10le") else 1
    return [
        np.frombuffer(plane, np.uint8)
        .reshape(plane.height, plane.line_size)[:, : plane.width * sample_bytes]
        .tobytes()
        for plane in image.planes
    ]


def planes(clip, **how):
    return [
        (p.index, p.time_s, p.image.format.name, pixels(p.image))
        for p in stream_pictures(clip, probe(clip), **how)
    ]


@without_gpu
def test_there_is_none():
    assert GpuDecoding.here() is None


@without_gpu
def test_one_that_cannot_be_opened_leaves_it_to_the_processor(clip):
    accelerator = HWAccel("cuda", 0)
    with open_video(clip, VideoLimits(), accelerator) as video:
        assert not video.is_on_gpu
    assert planes(clip, accelerator=accelerator) == planes(clip)


@contextmanager
def as_on_a_gpu(*asked):
    with open_video(*asked) as video:
        yield replace(video, is_on_gpu=True)


def interleaved(*asked):
    """What the processor decodes, as a GPU says it."""
    for image in decoded(*asked):
        yield image.reformat(format=INTERLEAVED[image.format.name])


@pytest.mark.parametrize("pixel_format", INTERLEAVED)
@pytest.mark.parametrize("longest_side_px", [None, 96, 100])
def test_interleaved_colours_become_the_same_pictures(
    tmp_path, monkeypatch, pixel_format, longest_side_px
):
    clip = make_video(
        tmp_path / "clip.mp4", codec="hevc", frames=6, size=SIZE, pixel_format=pixel_format
    )
    expected = planes(clip, longest_side_px=longest_side_px)
    monkeypatch.setattr(pictures, "open_video", as_on_a_gpu)
    monkeypatch.setattr(decoding, "_decoded", interleaved)
    assert planes(clip, longest_side_px=longest_side_px) == expected
    assert len(expected) == 6


def test_the_processor_has_a_rate_and_a_gpu_that_is_not_used_has_none(clip, tmp_path):
    assert gpu_decoding._rate(clip, VideoLimits(), None) > 0
    if not torch.cuda.is_available():
        assert gpu_decoding._rate(clip, VideoLimits(), HWAccel("cuda", 0)) == 0
    (tmp_path / "text.mp4").write_bytes(b"no video at all")
    assert gpu_decoding._rate(tmp_path / "text.mp4", VideoLimits(), None) == 0
    one_picture = make_video(tmp_path / "one.mp4", frames=1, size=SIZE)
    assert gpu_decoding._rate(one_picture, VideoLimits(), None) == 0


@pytest.mark.parametrize(("gpu_rate", "wins"), [(900.0, True), (300.0, False), (0.0, False)])
def test_each_kind_of_video_is_tried_once(clip, monkeypatch, gpu_rate, wins):
    tried = []

    def rate(video, limits, accelerator):
        tried.append(accelerator)
        return 400.0 if accelerator is None else gpu_rate

    monkeypatch.setattr(gpu_decoding, "_rate", rate)
    gpu, facts = GpuDecoding(HWAccel("cuda", 0)), probe(clip)
    expected = gpu.accelerator if wins else None
    for _ in range(2):
        assert gpu.chosen(clip, facts, VideoLimits()) is expected
    assert tried == [None, gpu.accelerator]
    gpu.chosen(clip, replace(facts, stored_width_px=3840), VideoLimits())
    assert len(tried) == 4


def test_what_a_reader_does_without_a_gpu_is_as_ever(clip):
    gpu = GpuDecoding(HWAccel("cuda", 0))
    with read_here(clip) as plain, read_here(clip, gpu) as hopeful:
        facts = plain.probe()
        rows = [
            [
                np.frombuffer(plane, np.uint8)
                for p in one.pictures(facts)
                for plane in p.image.planes
            ]
            for one in (plain, hopeful)
        ]
    assert len(rows[0]) == 36
    for one, other in zip(*rows, strict=True):
        np.testing.assert_array_equal(one, other)
