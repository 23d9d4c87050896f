"""A small honest clip, made on the spot, to see whether decoding works within the walls."""

from pathlib import Path

import av
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

PICTURES = 12
SHRUNK_SIDE_PX = 32
"""Pictures are made smaller in the box as well, by code that needs to get through the walls."""
_SIZE = (64, 48)


def make_clip(path: Path) -> Path:
    """Gray pictures in the one codec and container that every FFmpeg can write."""
    with av.open(str(path), "w", format="avi") as output:
        stream: VideoStream = output.add_stream("mpeg4", rate=25)
        stream.width, stream.height = _SIZE
        stream.pix_fmt = "yuv420p"
        for number in range(PICTURES):
            picture = VideoFrame(*_SIZE, "yuv420p")
            for plane in picture.planes:
                plane.update(bytes([20 * number]) * plane.buffer_size)
            output.mux(stream.encode(picture))
        output.mux(stream.encode(None))
    return path
