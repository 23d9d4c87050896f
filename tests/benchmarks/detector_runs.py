"""A person who walks on the spot, as runs of a detector that makes known mistakes."""

from dataclasses import replace

import numpy as np

from benchmarks.detector_noise_runs import Run
from core.skeleton import KEYPOINT_NAMES

PX_PER_M = 200.0
SIZE_PX = (1280, 960)

_PLACES_M = {  # x right, y down, z away, of the left side; hips in the middle
    "eye": (-0.03, -0.68, -0.1), "ear": (-0.07, -0.66, 0.0), "mouth": (-0.02, -0.6, -0.09),
    "shoulder": (-0.18, -0.47, 0.0), "elbow": (-0.24, -0.2, 0.02), "wrist": (-0.26, 0.03, -0.08),
    "pinky": (-0.27, 0.1, -0.1), "index": (-0.25, 0.11, -0.12), "thumb": (-0.24, 0.08, -0.12),
    "hip": (-0.1, 0.0, 0.0), "knee": (-0.11, 0.42, -0.05), "ankle": (-0.12, 0.83, 0.02),
    "heel": (-0.12, 0.88, 0.05), "foot_index": (-0.13, 0.9, -0.15),
}  # fmt: skip


def standing_m() -> np.ndarray:
    """MediaPipe's landmarks of somebody who faces the camera: their left is on the right."""
    rows = []
    for name in KEYPOINT_NAMES:
        part = (
            "foot_index" if "foot_index" in name else next((p for p in _PLACES_M if p in name), "")
        )
        x, y, z = (0.0, -0.64, -0.12) if name == "nose" else _PLACES_M[part]
        rows.append((x if "right" in name else -x, y, z))
    return np.array(rows)


def perfect_run(frames: int = 200, fps: float = 30.0) -> Run:
    """Limbs swing, so that no two frames are the same; seen straight on from far away."""
    time_s = np.arange(frames) / fps
    pose = np.repeat(standing_m()[None], frames, 0)
    for row, name in enumerate(KEYPOINT_NAMES):
        sign = -1 if "right" in name else 1
        if any(part in name for part in ("elbow", "wrist", "pinky", "thumb", "index")):
            pose[:, row, 1] -= 0.15 * np.sin(5 * time_s + sign)
    keypoints = pose[..., :2] * PX_PER_M + np.array(SIZE_PX) / 2
    return Run(
        time_s=time_s,
        keypoints_px=keypoints,
        hint_m=pose,
        confidence=np.full((frames, len(KEYPOINT_NAMES)), 0.95),
        size_px=np.array(SIZE_PX, np.float64),
    )


def shaken(run: Run, rng: np.random.Generator, keypoints_m: float, hint_m: float) -> Run:
    """White noise on every coordinate."""
    return replace(
        run,
        keypoints_px=run.keypoints_px
        + rng.normal(0, keypoints_m * PX_PER_M, (len(run.time_s), 33, 2)),
        hint_m=run.hint_m + rng.normal(0, hint_m, run.hint_m.shape),
    )
