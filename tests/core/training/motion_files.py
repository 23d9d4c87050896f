"""A small motion file in the true format, with a skeleton that walks on the spot."""

from pathlib import Path

import numpy as np

from core.skeleton import BODY

_REST_M = {
    "pelvis": (0, 0.95, 0), "spine": (0, 1.2, 0), "spine2": (0, 1.27, 0), "spine3": (0, 1.34, 0),
    "spine4": (0, 1.41, 0), "neck": (0, 1.48, 0), "head": (0, 1.57, 0.02),
    "head_top": (0, 1.77, 0.02),
    "clavicle": (0.05, 1.44, 0), "shoulder": (0.18, 1.43, 0), "elbow": (0.2, 1.15, 0),
    "wrist": (0.22, 0.9, 0.03), "hand": (0.22, 0.82, 0.05), "hip": (0.09, 0.95, 0),
    "knee": (0.09, 0.53, 0.02), "ankle": (0.09, 0.1, 0), "foot": (0.09, 0.03, 0.1),
    "toe": (0.09, 0.02, 0.16),
}  # fmt: skip


def standing() -> np.ndarray:
    """A person who faces +z, in metres, y up; x is their left."""
    rows = []
    for name in BODY.names:
        side, _, part = name.rpartition("_") if name[:4] in ("left", "righ") else ("", "", name)
        x, y, z = _REST_M[part]
        rows.append((-x if side == "right" else x, y, z))
    return np.array(rows, np.float32)


def walking(frames: int, seed: int) -> np.ndarray:
    phase = np.arange(frames)[:, None] / 60 * 2 * np.pi + seed
    poses = np.repeat(standing()[None], frames, 0)
    for side, sign in (("left", 1), ("right", -1)):
        for part, swing in (("knee", 0.15), ("ankle", 0.3), ("foot", 0.3), ("toe", 0.3)):
            poses[:, BODY.index(f"{side}_{part}"), 2:] += sign * swing * np.sin(phase)
        for part, swing in (("elbow", -0.1), ("wrist", -0.2), ("hand", -0.22)):
            poses[:, BODY.index(f"{side}_{part}"), 2:] += sign * swing * np.sin(phase)
    poses[..., 0] += np.arange(frames)[:, None] / 100
    return poses


def write_motion(path: Path, subjects=("02", "05", "01"), frames=90, **changes) -> Path:
    clips = [walking(frames, seed) for seed, _ in enumerate(subjects)]
    fields = {
        "pos": np.round(np.concatenate(clips) / 0.00025).astype(np.int16),
        "ptr": np.arange(len(subjects) + 1) * frames,
        "unit_m": np.float32(0.00025),
        "clip": np.array([f"{subject}_01" for subject in subjects]),
        "subject": np.array(subjects),
        "skel": np.array(["own", "aiko3", "own"][: len(subjects)]),
        "joint_names": np.array(BODY.names),
        "parents": np.array(BODY.parents),
        "fps": np.float32(60),
    }
    fields |= changes
    np.savez(path, **{name: value for name, value in fields.items() if value is not None})
    return path
