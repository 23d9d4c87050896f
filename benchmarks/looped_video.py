"""Long videos out of a short one, without encoding each frame again."""

from fractions import Fraction
from itertools import cycle, islice
from pathlib import Path

import av


def shrink(source: Path, target: Path, *, width: int, height: int) -> None:
    """Encode a video again at this size, as H.264 in MP4 at 30 frames a second."""
    with av.open(source) as video, av.open(target, "w") as output:
        stream = output.add_stream("libx264", rate=30, options={"preset": "veryfast", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number, frame in enumerate(video.decode(video=0)):
            small = frame.reformat(width=width, height=height, format="yuv420p")
            small.pts, small.time_base = number, Fraction(1, 30)
            output.mux(stream.encode(small))
        output.mux(stream.encode(None))


def loop(source: Path, target: Path, *, frames: int) -> None:
    """Repeat a video's packets, one frame each, until there are so many frames.

    The source must have no B-frames, so that packets are in order of presentation.
    """
    with av.open(source) as video, av.open(target, "w") as output:
        stream_in = video.streams.video[0]
        packets = [packet for packet in video.demux(stream_in) if packet.size]
        times = [packet.pts for packet in packets[:2] if packet.pts is not None]
        step = times[1] - times[0]
        content = [(bytes(packet), packet.is_keyframe) for packet in packets]
        stream_out = output.add_stream_from_template(stream_in)
        for number, (payload, is_keyframe) in enumerate(islice(cycle(content), frames)):
            packet = av.Packet(payload)
            packet.stream, packet.time_base = stream_out, packets[0].time_base
            packet.pts = packet.dts = number * step
            packet.duration, packet.is_keyframe = step, is_keyframe
            output.mux(packet)
