"""Decoding on the GPU beside decoding on the processor: the same pictures, and how fast."""

from itertools import islice, zip_longest
from pathlib import Path
from time import perf_counter

import numpy as np
from av.codec.hwaccel import HWAccel

from benchmarks.end_to_end_clips import FPS, make_clip
from benchmarks.gpu_step import NEEDS_GPU, Finding, Findings, NotHere, Setting
from core.observing import LONGEST_SIDE_PX
from core.video.facts import VideoLimits
from core.video.gpu_decoding import GpuDecoding
from core.video.stream import probe, stream_pictures
from core.video.upright import UprightRgb

_CODECS = ("h264", "vp9")
_SECONDS = 20
_COMPARED = 60


def on_gpu(setting: Setting) -> Findings:
    """A man from the demo's clip, 1080p: as small as 2D needs it, by each decoder."""
    demo = setting.demo_clip()
    gpu = GpuDecoding.here() if setting.has_gpu else None
    for codec in _CODECS[:1] if setting.quick else _CODECS:
        size = (256, 144) if setting.quick else (1920, 1080)
        frames = 10 if setting.quick else _SECONDS * FPS
        clip = make_clip(
            demo, setting.folder, codec=codec, width=size[0], height=size[1], frames=frames
        )
        yield Finding(f"{codec}: on the processor", _rate(clip, None), "pictures/s")
        if gpu is not None:
            yield Finding(f"{codec}: on the GPU", _rate(clip, gpu.accelerator), "pictures/s")
            yield Finding(
                f"{codec}: pictures that differ", _differing(clip, gpu.accelerator), at_most=0
            )
            is_chosen = gpu.chosen(clip, probe(clip), VideoLimits()) is not None
            yield Finding(f"{codec}: chosen by `auto`", "the GPU" if is_chosen else "the processor")
    if not setting.has_gpu:
        raise NotHere(NEEDS_GPU)
    if gpu is None:
        raise NotHere("this GPU, or its driver, does not decode")


def _rate(clip: Path, accelerator: HWAccel | None) -> float:
    facts = probe(clip)
    start_s = perf_counter()
    pictures = stream_pictures(
        clip, facts, longest_side_px=LONGEST_SIDE_PX, accelerator=accelerator
    )
    count = sum(1 for _ in pictures)
    return round(count / (perf_counter() - start_s), 1)


def _differing(clip: Path, accelerator: HWAccel) -> int:
    facts = probe(clip)
    upright = UprightRgb(facts)
    ways = [
        islice(stream_pictures(clip, facts, accelerator=one), _COMPARED)
        for one in (None, accelerator)
    ]
    return sum(
        one is None or other is None or not np.array_equal(upright(one.image), upright(other.image))
        for one, other in zip_longest(*ways)
    )
