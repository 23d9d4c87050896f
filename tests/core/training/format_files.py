"""Small files in the true formats of other people's datasets."""

from pathlib import Path

import numpy as np

from core.skeleton import BODY
from tests.core.training.motion_files import walking


def in_camera_m(frames: int) -> np.ndarray:
    """The walker 4 m before a camera that stands upright: x right, y down, z away."""
    joints = walking(frames, 0) * [1, -1, 1] + [0, 1, 4]
    return joints.astype(np.float32)


def project(joints_m: np.ndarray, size_px: int, focal_px: float) -> np.ndarray:
    return (focal_px * joints_m[..., :2] / joints_m[..., 2:] + size_px / 2).astype(np.float32)


def write_combined(path: Path, frames: int = 6, columns: int = 2, **changes) -> Path:
    joints_m = in_camera_m(frames)
    pixels = project(joints_m, 2048, 1500)
    confidence = np.full((frames, 28, columns - 2), 0.5, np.float32)
    fields = {
        "pose2d": np.concatenate([pixels, confidence], -1),
        "pose3d": 1000 * joints_m,
    }
    np.savez(path, **(fields | changes))
    return path


def write_annot(folder: Path, savemat, frames: int = 6, cameras: int = 2, nan_at=None) -> Path:
    """``annot.mat`` as the dataset has it: MATLAB 5, one cell row per camera."""
    cells = {name: np.empty((cameras, 1), object) for name in ("annot2", "annot3", "univ_annot3")}
    for camera in range(cameras):
        joints_m = in_camera_m(frames) + np.float32([0, 0, camera])
        cells["annot2"][camera, 0] = project(joints_m, 2048, 1500).reshape(frames, 56)
        cells["annot3"][camera, 0] = 1000.0 * joints_m.reshape(frames, 84)
        cells["univ_annot3"][camera, 0] = 900.0 * joints_m.reshape(frames, 84)
    if nan_at is not None:
        cells["annot3"][nan_at[0], 0][nan_at[1], 7] = np.nan
    folder.mkdir(parents=True)
    savemat(folder / "annot.mat", cells)
    return folder / "annot.mat"


TEST17 = (
    "head_top", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder",
    "left_elbow", "left_wrist", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee",
    "left_ankle", "pelvis", "spine", "head",
)  # fmt: skip


def write_annot_data(folder: Path, h5py, valid, activity) -> Path:
    """``annot_data.mat`` as the dataset has it: MATLAB 7.3, that is HDF5 behind 512 bytes."""
    frames = len(valid)
    joints_m = in_camera_m(frames)[:, [BODY.index(name) for name in TEST17]]
    folder.mkdir(parents=True)
    with h5py.File(folder / "annot_data.mat", "w", userblock_size=512) as file:
        file["annot2"] = project(joints_m, 2048, 1500)[:, None].astype(np.float64)
        file["annot3"] = 1000.0 * joints_m[:, None]
        file["univ_annot3"] = 900.0 * joints_m[:, None]
        file["valid_frame"] = np.array(valid, np.float64)[:, None]
        file["activity_annotation"] = np.array(activity, np.float64)[:, None]
    return folder / "annot_data.mat"


H36M32_MOVING = (0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27)
H36M17 = (
    "pelvis", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle",
    "spine2", "neck", "head", "head_top", "left_shoulder", "left_elbow", "left_wrist",
    "right_shoulder", "right_elbow", "right_wrist",
)  # fmt: skip
HUMANEVA15 = (
    "pelvis", "neck", "left_shoulder", "left_elbow", "left_wrist", "right_shoulder", "right_elbow",
    "right_wrist", "left_hip", "left_knee", "left_ankle", "right_hip", "right_knee", "right_ankle",
    "head",
)  # fmt: skip


def turned(yaw: float, pitch: float) -> np.ndarray:
    """World (x, y on the ground, z up) to camera axes (x right, y down, z away)."""
    upright = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    c, s = np.cos(yaw), np.sin(yaw)
    around = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    c, s = np.cos(pitch), np.sin(pitch)
    down = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    return down @ upright @ around


ROTATIONS = (turned(0.4, 0.2), turned(2.5, -0.1))


def in_world_m(names: tuple[str, ...], frames: int) -> np.ndarray:
    """The walker with z up, wandering so that the points fill a volume."""
    joints = walking(frames, 0)[:, [BODY.index(name) for name in names]][..., [0, 2, 1]]
    phase = np.arange(frames)[:, None, None] * 0.5
    return (joints * [-1, 1, 1] + np.sin(phase + np.array([0, 1, 2])) * [1, 1, 0.2]).astype("f4")


def write_videopose3d(folder: Path, kind: str, subjects, frames: int = 30, nan_at=None, **changes):
    """``data_3d_KIND.npz`` and ``data_2d_KIND_gt.npz``: pickled dictionaries, as VideoPose3D's."""
    names, size_px = {"h36m": (H36M17, 1000), "humaneva15": (HUMANEVA15, 640)}[kind]
    poses, pixels = {}, {}
    for subject in subjects:
        world = in_world_m(names, frames)
        seen = [project(world @ turn.T + [0.1, 0.2, 6], size_px, 1100) for turn in ROTATIONS]
        full = world
        if kind == "h36m":
            full = np.full((frames, 32, 3), 7.0, np.float32)
            full[:, H36M32_MOVING] = world
        if nan_at is not None:
            full[nan_at] = np.nan
        poses[subject] = {"Walking 1": full}
        # The pictures ran on after the capture had stopped.
        pixels[subject] = {"Walking 1": [np.concatenate([view, view[-2:]]) for view in seen]}
    paths = folder / f"data_3d_{kind}.npz", folder / f"data_2d_{kind}_gt.npz"
    metadata = {"num_joints": len(names), "keypoints_symmetry": [[4, 5], [1, 2]]}
    np.savez_compressed(paths[0], **({"positions_3d": poses} | changes))
    np.savez_compressed(paths[1], positions_2d=pixels, metadata=metadata)
    return paths
