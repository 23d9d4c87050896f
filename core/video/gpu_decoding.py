"""Decoding on the GPU (NVDEC), where that is faster for a kind of video than the processor.

What comes out of a sound video is the same bit for bit: its format prescribes every bit, and the
GPU's interleaved planes are taken apart again. What becomes of damaged pictures is not: a GPU says
less about them. Only for decoding in this process: a decoder's box has no GPU.
"""

import threading
from dataclasses import dataclass, field
from itertools import islice
from time import perf_counter
from typing import Self

from av.codec import Codec
from av.codec.hwaccel import HWAccel
from av.error import FFmpegError

from core.errors import VideoError
from core.video.containers import VideoFile, open_video
from core.video.decoding import decode_pictures
from core.video.facts import DecodeReport, VideoFacts, VideoLimits

_TRIED_PICTURES = 60
"""Two seconds of most videos: enough to see which is faster, a fifth of a second's work."""

Kind = tuple[str, int, int]


@dataclass(frozen=True, eq=False)
class GpuDecoding:
    """The decoder of one GPU; remembers for which kinds of videos it is worth using. Thread-safe.

    Attributes:
        accelerator: for ``open_video``.
    """

    accelerator: HWAccel
    _is_faster: dict[Kind, bool] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def here(cls, device: int = 0) -> Self | None:
        """That of a GPU by its CUDA number; None where there is none."""
        # The context is PyTorch's: one of its own would take hundreds of megabytes.
        accelerator = HWAccel("cuda", device, options={"primary_ctx": "1"})
        try:
            accelerator.create(Codec("h264", "r"))
        except (FFmpegError, NotImplementedError):
            return None
        return cls(accelerator)

    def chosen(self, video: VideoFile, facts: VideoFacts, limits: VideoLimits) -> HWAccel | None:
        """The accelerator if it decodes such videos faster; the first of a kind is tried both ways.

        Args:
            video: the file.
            facts: what ``probe`` said about it.
            limits: what is accepted.
        """
        kind = (facts.codec, facts.stored_width_px, facts.stored_height_px)
        with self._lock:
            if kind not in self._is_faster:
                self._is_faster[kind] = self._wins(video, limits)
            return self.accelerator if self._is_faster[kind] else None

    def _wins(self, video: VideoFile, limits: VideoLimits) -> bool:
        here, there = (_rate(video, limits, one) for one in (None, self.accelerator))
        return there > here


def _rate(video: VideoFile, limits: VideoLimits, accelerator: HWAccel | None) -> float:
    """Pictures a second after the first; 0 where not even two can be decoded in this way."""
    try:
        with open_video(video, limits, accelerator) as file:
            if file.is_on_gpu != (accelerator is not None):
                return 0.0
            pictures = islice(decode_pictures(file, None, DecodeReport()), _TRIED_PICTURES)
            times_s = [perf_counter() for _ in pictures]
    except VideoError:
        return 0.0
    return (len(times_s) - 1) / (times_s[-1] - times_s[0]) if len(times_s) > 1 else 0.0
