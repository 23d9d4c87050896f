"""Peak memory of ``poselift lift`` on a video of 1 minute and of 20: it must not grow.

The clip is the demo's, made small (320 x 180) so that decoding is quick and looped by repeating its
packets. The size of a frame is the same in both videos, so it cancels out in the ratio; the
number of frames, chunks, windows and results is what grows.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from benchmarks.looped_video import loop, shrink
from benchmarks.measurement import Measurement
from core.assets.cache import cached_path, default_cache_folder
from core.assets.fetching import fetch
from core.assets.manifest import DEMO_CLIP

FPS = 30
MINUTES = (1, 20)
_POLL_S = 0.05


def measure(minutes: tuple[int, int] = MINUTES) -> Measurement:
    """Lift the short and the long video, each in a process of its own."""
    cache_folder = default_cache_folder()
    fetch([DEMO_CLIP], cache_folder)
    rows: list[dict[str, float | int | str]] = []
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.mp4"
        shrink(cached_path(cache_folder, DEMO_CLIP), clip, width=320, height=180)
        for length in minutes:
            video = Path(folder) / f"{length}min.mp4"
            loop(clip, video, frames=length * 60 * FPS)
            rows.append({"minutes": length, **_lift(video)})
    short, long = (float(row["peak_mib"]) for row in rows)
    return Measurement(
        ratios={"long_over_short": round(long / short, 4)},
        at_most={"long_over_short": 1.10},
        rows=rows,
        note=f"Resident memory of the process and its children, polled every {_POLL_S} s; "
        "the demo clip at 320 x 180, looped; 2D model lite.",
    )


def _lift(video: Path) -> dict[str, float | int | str]:
    poselift = Path(sys.executable).with_name("poselift")
    words = ["lift", str(video), "-o", str(video.with_suffix(".npz")), "--pose-model", "lite"]
    start_s = time.monotonic()
    with subprocess.Popen([poselift, *words], stdout=subprocess.DEVNULL) as process:
        peak_bytes = _peak_bytes(psutil.Process(process.pid), process)
    seconds = time.monotonic() - start_s
    if process.returncode:
        raise RuntimeError(f"`poselift lift` ended with exit code {process.returncode}")
    return {"peak_mib": round(peak_bytes / 2**20, 1), "seconds": round(seconds, 1)}


def _peak_bytes(parent: psutil.Process, process: "subprocess.Popen[bytes]") -> int:
    peak_bytes = 0
    while process.poll() is None:
        try:
            family = [parent, *parent.children(recursive=True)]
            peak_bytes = max(peak_bytes, sum(one.memory_info().rss for one in family))
        except psutil.NoSuchProcess:
            continue  # a child ended between being listed and being asked
        time.sleep(_POLL_S)
    return peak_bytes
