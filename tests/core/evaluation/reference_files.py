"""References in the true format, with somebody who walks on the spot."""

from pathlib import Path

import numpy as np

from core.evaluation.reference import LIMB_JOINTS
from core.skeleton import BODY
from tests.core.training.motion_files import walking


def limbs(frames: int, seed: int = 0) -> np.ndarray:
    """The twelve joints, metres, camera axes."""
    poses = walking(frames, seed).astype(np.float64) * [1, -1, -1] + [0.2, 1.0, 4.0]
    return poses[:, [BODY.index(name) for name in LIMB_JOINTS]]


def write_reference(path: Path, joints_m: np.ndarray, fps: float = 30.0, **changes) -> Path:
    fields = {
        "joints_3d": joints_m,
        "joint_names": np.array(LIMB_JOINTS),
        "frame_time_s": np.arange(len(joints_m)) / fps,
    }
    fields |= changes
    np.savez(path, **{name: value for name, value in fields.items() if value is not None})
    return path
