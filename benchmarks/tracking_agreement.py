"""Our 2D against MediaPipe's VIDEO mode, beside what a grey level of noise does to that mode.

VIDEO mode follows: each frame's crop comes from the landmarks of the frame before, so whatever
moves one of them a little moves all that come later. How far it ends up from itself in a video that
nobody could tell from the first is the floor: nearer than that nothing can be called different.
"""

import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32, UInt8

from benchmarks.end_to_end_clips import make_clip
from benchmarks.measurement import Measurement
from core.assets.bundle import pose_bundle
from core.assets.cache import cached_path, default_cache_folder
from core.assets.fetching import fetch
from core.assets.manifest import DEMO_CLIP
from core.contracts import JobOptions, PoseModel
from core.keypoints.landmarker import Landmarker, Mode
from core.results.reader import read_result
from core.runtime import Runtime, RuntimeConfig
from core.video.stream import probe, stream_frames

SHARED_VIDEOS = Path(__file__).parents[2] / "shared" / "videos"
CLIPS = ("square_30fps.mp4", "squats_vertical_5fps.mp4", "people_one_by_one.mp4")
NOISES = 3
_SURE = 0.5
_SIDE_PX = 1920.0

Disturb = Callable[[UInt8[np.ndarray, "height width 3"]], UInt8[np.ndarray, "height width 3"]]


@dataclass(frozen=True, eq=False)
class Seen:
    """The one person of each frame; NaN in frames without.

    Attributes:
        keypoints_px: pixels of the upright frame.
        confidence: in [0, 1].
    """

    keypoints_px: Float32[np.ndarray, "frames 33 2"]
    confidence: Float32[np.ndarray, "frames 33"]

    @property
    def is_there(self) -> Bool[np.ndarray, "frames"]:
        return np.isfinite(self.keypoints_px).all((1, 2))


def measure(noises: int = NOISES) -> Measurement:
    """All clips that are there: the demo's, as ``end_to_end`` has it, and shared ones."""
    rows: list[dict[str, float | int | str]] = []
    with tempfile.TemporaryDirectory() as folder:
        for clip in _clips(Path(folder)):
            rows.append({"clip": clip.name, **_compare(clip, Path(folder), noises)})
    missing = [name for name in CLIPS if not (SHARED_VIDEOS / name).is_file()]
    return Measurement(
        ratios={
            f"{part}: {row['clip']}": round(float(row[f"ours {part}"]) / _floor(row, part), 2)
            for row in rows
            for part in ("median", "p95")
        },
        rows=rows,
        note="Distances in pixels of a picture whose longer side is 1920, of keypoints that VIDEO "
        f"mode is sure of. noise: VIDEO mode against itself with a grey level of noise, {noises} "
        "times. ours, only_one: what lift_video writes against VIDEO mode; frames in which only "
        "one of the two sees somebody. Ratios: ours over noise."
        + (f" Left out, not in shared/videos: {', '.join(missing)}." if missing else ""),
    )


def _floor(row: dict[str, float | int | str], part: str) -> float:
    return max(float(row[f"noise {part}"]), 1e-3)


def _clips(folder: Path) -> Iterator[Path]:
    cache_folder = default_cache_folder()
    fetch([DEMO_CLIP], cache_folder)
    demo = cached_path(cache_folder, DEMO_CLIP)
    yield make_clip(demo, folder, codec="h264", width=1920, height=1080, frames=150)
    yield from (SHARED_VIDEOS / name for name in CLIPS if (SHARED_VIDEOS / name).is_file())


def _compare(clip: Path, folder: Path, noises: int) -> dict[str, float | int | str]:
    facts = probe(clip)
    scale = _SIDE_PX / max(facts.width_px, facts.height_px)
    plain = _video_mode(clip, lambda rgb: rgb)
    disturbed = [_video_mode(clip, _Noise(seed)) for seed in range(noises)]
    ours = _ours(clip, folder)
    floor = np.concatenate([_apart_px(one, plain) for one in disturbed]) * scale
    apart = _apart_px(ours, plain) * scale
    return {
        "frames": len(plain.keypoints_px),
        "noise median": round(float(np.median(floor)), 2),
        "ours median": round(float(np.median(apart)), 2),
        "noise p95": round(float(np.percentile(floor, 95)), 2),
        "ours p95": round(float(np.percentile(apart, 95)), 2),
        "noise only_one": round(
            float(np.mean([(one.is_there != plain.is_there).sum() for one in disturbed])), 1
        ),
        "ours only_one": int((ours.is_there != plain.is_there).sum()),
    }


def _apart_px(one: Seen, plain: Seen) -> Float32[np.ndarray, "keypoints"]:
    """Of all keypoints that ``plain`` is sure of, where both see somebody."""
    sure = (one.is_there & plain.is_there)[:, None] & (plain.confidence >= _SURE)
    return np.linalg.norm(one.keypoints_px - plain.keypoints_px, axis=-1)[sure]


class _Noise:
    """Each channel of each pixel one grey level up, or down, or neither."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)

    def __call__(self, rgb: UInt8[np.ndarray, "height width 3"]) -> np.ndarray:
        shift = self._random.integers(-1, 2, rgb.shape, np.int8)
        return (rgb.astype(np.int16) + shift).clip(0, 255).astype(np.uint8)


def _video_mode(clip: Path, disturb: Disturb) -> Seen:
    """MediaPipe's own tracking from the first frame to the last, in pictures of full size."""
    nobody = np.full((33, 2), np.nan, np.float32), np.zeros(33, np.float32)
    bundle = pose_bundle(default_cache_folder(), PoseModel.FULL)
    with Landmarker(bundle, Mode.TRACKING) as tracker:
        people = [
            tracker.read(disturb(frame.rgb), frame.time_s)
            for frame in stream_frames(clip, probe(clip))
        ]
    seen = [(p[0].keypoints_px, p[0].confidence) if p else nobody for p in people]
    return Seen(*(np.stack(part) for part in zip(*seen, strict=True)))


def _ours(clip: Path, folder: Path) -> Seen:
    """What ends up in the result, but for frames that were filled in."""
    result = folder / "pose.npz"
    with Runtime.load(RuntimeConfig(device="cpu")) as runtime:
        runtime.lift_video(clip, result, JobOptions())
    pose = read_result(result)
    keypoints_px = np.where(pose.observed[0][:, None, None], pose.keypoints_2d[0], np.nan)
    return Seen(keypoints_px.astype(np.float32), pose.keypoints_confidence[0])


def main() -> None:
    """``python -m benchmarks.tracking_agreement``: print what was found."""
    measured = measure()
    sys.stdout.write(json.dumps(measured.rows, indent=1) + f"\n{measured.note}\n")


if __name__ == "__main__":
    main()
