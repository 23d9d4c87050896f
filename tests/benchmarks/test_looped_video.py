from fractions import Fraction

import av
import numpy as np
import pytest

from benchmarks.looped_video import loop, shrink


@pytest.mark.parametrize("frames", [7, 20, 53])
def test_a_short_video_is_repeated_to_the_length_asked_for(tmp_path, frames):
    source, small, long = (tmp_path / name for name in ("a.mp4", "b.mp4", "c.mp4"))
    with av.open(source, "w") as output:
        stream = output.add_stream("mpeg4", rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(20):
            picture = np.full((48, 64, 3), 10 * number, np.uint8)
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
        output.mux(stream.encode(None))

    shrink(source, small, width=32, height=24)
    loop(small, long, frames=frames)

    with av.open(long) as video:
        shown = list(video.decode(video=0))
    assert [frame.pts * frame.time_base for frame in shown] == [
        Fraction(number, 30) for number in range(frames)
    ]
    brightness = [frame.to_ndarray(format="gray").mean() for frame in shown]
    np.testing.assert_allclose(brightness, [10 * (n % 20) for n in range(frames)], atol=6)
