"""What one would write in an afternoon: decode, MediaPipe's own tracking, lift; in one thread."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import av
import mediapipe as mp
import numpy as np
from mediapipe.tasks.python import BaseOptions, vision

from core.assets.bundle import assemble
from core.assets.fetching import fetch
from core.assets.landmark_network import prepare_landmark_network
from core.assets.manifest import pose_assets
from core.contracts import JobOptions, PoseModel
from core.keypoints.files import KeypointFile
from core.keypoints.native_log import quiet_native_log
from core.runtime import Runtime

LANDMARKS = 33


def whole_bundle(cache_folder: Path, target: Path) -> Path:
    """MediaPipe's ``full`` model as it is published, the segmentation nobody asks for included."""
    detector, landmarks = fetch(pose_assets(PoseModel.FULL), cache_folder)
    network = prepare_landmark_network(landmarks.read_bytes(), prune=False)
    target.write_bytes(assemble(detector.read_bytes(), network))
    return target


def lift(video: Path, result: Path, bundle: Path, runtime: Runtime) -> int:
    """Lift the one person in a video; how many frames it had."""
    with av.open(video) as container:
        width, height = container.streams.video[0].width, container.streams.video[0].height
        times_s: list[float] = []
        pictures = _pictures(container.decode(video=0), times_s)
        rows = np.array(list(_landmarks(pictures, bundle)), np.float32)
    keypoints_px = rows[..., :2] * np.array([width, height], np.float32)
    own = KeypointFile(keypoints_px, rows[..., 2], np.array(times_s), width, height)
    runtime.lift_keypoints(own, result, JobOptions())
    return len(rows)


def _pictures(
    frames: Iterable[av.VideoFrame], times_s: list[float]
) -> Iterator[tuple[int, np.ndarray]]:
    for frame in frames:
        times_s.append(float(frame.time or 0.0))
        rgb = np.ascontiguousarray(frame.to_ndarray(format="rgb24"))
        yield round(times_s[-1] * 1000), rgb


def _landmarks(pictures: Iterable[tuple[int, np.ndarray]], bundle: Path) -> Iterator[np.ndarray]:
    """Share of width, share of height and visibility of each landmark; NaN for nobody."""
    options = vision.PoseLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=str(bundle)),
        running_mode=vision.RunningMode.VIDEO,
    )
    with quiet_native_log():
        landmarker = vision.PoseLandmarker.create_from_options(options)
    with landmarker:
        for time_ms, rgb in pictures:
            image = mp.Image(mp.ImageFormat.SRGB, rgb)
            found = landmarker.detect_for_video(image, time_ms).pose_landmarks
            if found:
                yield np.array([(one.x, one.y, one.visibility) for one in found[0]])
            else:
                yield np.full((LANDMARKS, 3), np.nan)
