"""Timed runs in a process of its own, pinned to some cores; writes one line of JSON.

Ours and the loop go through the video twice: a process does for its first one what it need not do
again, such as to get memory from the system.

``python -m benchmarks.end_to_end_run ours|loop|decode|limit|network VIDEO CORES``
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import cv2

from benchmarks.obvious_loop import lift, whole_bundle
from core.assets.bundle import pose_bundle
from core.assets.cache import default_cache_folder
from core.contracts import JobOptions, PoseModel
from core.keypoints.landmarker import Landmarker, Mode
from core.keypoints.litert.landmarker import LiteLandmarker
from core.keypoints.litert.networks import LiteNetworks
from core.observing import LONGEST_SIDE_PX
from core.runtime import Runtime, RuntimeConfig
from core.video.stream import probe, stream_pictures
from core.video.upright import UprightRgb

_LIMIT_FRAMES = 100


def main() -> None:
    """Time one kind of run, from a warm start."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.end_to_end_run")
    parser.add_argument("kind", choices=tuple(_RUNS))
    parser.add_argument("video", type=Path)
    parser.add_argument("cores", type=int)
    args = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: args.cores])
    with tempfile.TemporaryDirectory() as folder:
        content = _RUNS[args.kind](args.video, args.cores, Path(folder))
    sys.stdout.write(json.dumps(content) + "\n")


def _timed(work: Callable[[], int]) -> dict[str, float]:
    """What ``work`` costs; it says how many frames it did."""
    start_s, cpu_s, own_s = time.perf_counter(), time.process_time(), time.thread_time()
    frames = work()
    cpu_s, own_s = time.process_time() - cpu_s, time.thread_time() - own_s
    return {
        "frames": frames,
        "seconds": time.perf_counter() - start_s,
        "cpu_ms_per_frame": 1000 * cpu_s / frames,
        "main_share": own_s / cpu_s,
    }


def _timed_twice(work: Callable[[], int]) -> dict[str, float]:
    return {**_timed(work), "seconds_again": _timed(work)["seconds"]}


def _ours(video: Path, cores: int, folder: Path) -> dict[str, float]:
    with Runtime.load(RuntimeConfig(device="cpu", threads=cores)) as runtime:
        result = folder / "pose.npz"
        return _timed_twice(lambda: runtime.lift_video(video, result, JobOptions()).frames)


def _loop(video: Path, cores: int, folder: Path) -> dict[str, float]:
    bundle = whole_bundle(default_cache_folder(), folder / "whole.task")
    with Runtime.load(RuntimeConfig(device="cpu", threads=1, pose_model=None)) as runtime:
        return _timed_twice(lambda: lift(video, folder / "pose.npz", bundle, runtime))


def _decode(video: Path, cores: int, folder: Path) -> dict[str, float]:
    """Ours, up to the pictures that estimators see."""
    facts = probe(video)
    upright = UprightRgb(facts, LONGEST_SIDE_PX)

    def work() -> int:
        pictures = stream_pictures(video, facts, longest_side_px=LONGEST_SIDE_PX)
        return sum(upright(picture.image).size > 0 for picture in pictures)

    return _timed(work)


def _limit(video: Path, cores: int, folder: Path) -> dict[str, float]:
    """MediaPipe's tracking alone: nothing with MediaPipe around the networks is faster."""
    bundle = pose_bundle(default_cache_folder(), PoseModel.FULL)
    return _tracking(Landmarker(bundle, Mode.TRACKING), video)


def _network(video: Path, cores: int, folder: Path) -> dict[str, float]:
    """Our tracking alone: nothing that reads every picture with these networks is faster."""
    bundle = pose_bundle(default_cache_folder(), PoseModel.FULL)
    cv2.setNumThreads(1)
    return _tracking(LiteLandmarker(LiteNetworks.load(bundle), Mode.TRACKING), video)


def _tracking(tracker: Landmarker | LiteLandmarker, video: Path) -> dict[str, float]:
    """On pictures that are in memory already."""
    facts = probe(video)
    upright = UprightRgb(facts, LONGEST_SIDE_PX)
    pictures = stream_pictures(video, facts, longest_side_px=LONGEST_SIDE_PX)
    frames = [upright.frame(picture) for picture in islice(pictures, _LIMIT_FRAMES)]

    def work() -> int:
        for frame in frames:
            tracker.read(frame.rgb, frame.time_s)
        return len(frames)

    with tracker:
        return _timed(work)


_RUNS = {"ours": _ours, "loop": _loop, "decode": _decode, "limit": _limit, "network": _network}

if __name__ == "__main__":
    main()
