"""Clips for the end-to-end benchmark."""

import av
import pytest

from benchmarks.end_to_end_clips import make_clip

pytestmark = pytest.mark.assets


@pytest.mark.parametrize(("codec", "frames"), [("h264", 8), ("vp9", 3)])
def test_a_clip_is_as_long_and_large_as_asked_for(demo_clip, tmp_path, codec, frames):
    clip = make_clip(demo_clip, tmp_path, codec=codec, width=320, height=180, frames=frames)
    with av.open(clip) as video:
        stream = video.streams.video[0]
        shown = list(video.decode(video=0))
        assert stream.codec_context.codec.canonical_name == codec
    assert [(frame.width, frame.height) for frame in shown] == [(320, 180)] * frames
    assert shown[0].to_ndarray(format="gray").std() > 20


def test_a_longer_clip_repeats_the_first_ten_seconds(demo_clip, tmp_path):
    clip = make_clip(demo_clip, tmp_path, codec="h264", width=64, height=36, frames=320)
    with av.open(clip) as video:
        shown = [frame.to_ndarray(format="gray").astype(int) for frame in video.decode(video=0)]
    assert len(shown) == 320
    assert abs(shown[300] - shown[0]).mean() < 4
