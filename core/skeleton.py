"""The body as a graph: joint names, parents, mirror pairs and sparse edges.

Two layouts meet here. ``KEYPOINTS`` are MediaPipe's 33 landmarks, our 2D input; ``BODY`` is the
28-joint skeleton of MPI-INF-3DHP in the dataset's own order, our 3D output. Keypoints in other
layouts are mapped onto the 33 in :mod:`core.keypoints.layouts`.

Source: Mehta et al., "Monocular 3D Human Pose Estimation In The Wild Using Improved CNN
Supervision", 3DV 2017 (MPI-INF-3DHP); Bazarevsky et al., "BlazePose", 2020 (the 33 landmarks).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Int64


@dataclass(frozen=True)
class Skeleton:
    """Named joints in a tree; the root is its own parent. Left and right are the person's own."""

    names: tuple[str, ...]
    parents: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.names)

    def index(self, name: str) -> int:
        """Position of a joint by name; raises ``ValueError`` for an unknown one."""
        return self.names.index(name)

    @cached_property
    def root(self) -> int:
        return next(joint for joint, parent in enumerate(self.parents) if joint == parent)

    @cached_property
    def mirror(self) -> Int64[np.ndarray, "joints"]:
        """For each joint, its left/right counterpart, or itself on the midline."""
        return np.array([self.names.index(_swap_side(name)) for name in self.names], np.int64)

    @cached_property
    def bones(self) -> Int64[np.ndarray, "bones 2"]:
        """``(child, parent)`` for every joint but the root."""
        pairs = [(j, p) for j, p in enumerate(self.parents) if j != p]
        return np.array(pairs, np.int64)

    @cached_property
    def edge_index(self) -> Int64[np.ndarray, "2 edges"]:
        """Bones in both directions as ``(source, target)`` rows; no self loops."""
        return np.concatenate([self.bones, self.bones[:, ::-1]]).T.copy()


def _swap_side(name: str) -> str:
    if name.startswith("left_"):
        return "right_" + name.removeprefix("left_")
    if name.startswith("right_"):
        return "left_" + name.removeprefix("right_")
    return name.replace("_left", "_RIGHT").replace("_right", "_left").replace("_RIGHT", "_right")


BODY = Skeleton(
    names=(
        "spine3", "spine4", "spine2", "spine", "pelvis", "neck", "head", "head_top",
        "left_clavicle", "left_shoulder", "left_elbow", "left_wrist", "left_hand",
        "right_clavicle", "right_shoulder", "right_elbow", "right_wrist", "right_hand",
        "left_hip", "left_knee", "left_ankle", "left_foot", "left_toe",
        "right_hip", "right_knee", "right_ankle", "right_foot", "right_toe",
    ),
    parents=(
        2, 0, 3, 4, 4, 1, 5, 6, 5, 8, 9, 10, 11, 5, 13, 14, 15, 16,
        4, 18, 19, 20, 21, 4, 23, 24, 25, 26,
    ),
)  # fmt: skip

KEYPOINT_NAMES = (
    "nose", "left_eye_inner", "left_eye", "left_eye_outer", "right_eye_inner", "right_eye",
    "right_eye_outer", "left_ear", "right_ear", "mouth_left", "mouth_right",
    "left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist",
    "left_pinky", "right_pinky", "left_index", "right_index", "left_thumb", "right_thumb",
    "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle",
    "left_heel", "right_heel", "left_foot_index", "right_foot_index",
)  # fmt: skip

KEYPOINT_MIRROR: Int64[np.ndarray, "33"] = np.array(
    [KEYPOINT_NAMES.index(_swap_side(name)) for name in KEYPOINT_NAMES], np.int64
)
"""For each of the 33 keypoints, its left/right counterpart, or itself."""
