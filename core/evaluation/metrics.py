"""Distances between predicted and true joints, as the literature defines them.

All lengths in the unit of the inputs (metres here); joints are expected root-relative.
"""

import numpy as np
from jaxtyping import Float


def mpjpe(
    joints: Float[np.ndarray, "*batch joints 3"], truth: Float[np.ndarray, "*batch joints 3"]
) -> Float[np.ndarray, "*batch"]:
    """Mean per-joint position error of each pose.

    Source: Ionescu et al., "Human3.6M", TPAMI 2014, protocol 1.
    """
    return np.linalg.norm(joints - truth, axis=-1).mean(-1)


def n_mpjpe(
    joints: Float[np.ndarray, "*batch joints 3"], truth: Float[np.ndarray, "*batch joints 3"]
) -> Float[np.ndarray, "*batch"]:
    """MPJPE after the scale that fits each pose best, in the least-squares sense.

    Source: Rhodin et al., "Learning Monocular 3D Human Pose Estimation from Multi-view Images",
    CVPR 2018, equation 2.
    """
    dot = (joints * truth).sum((-1, -2), keepdims=True)
    square = (joints * joints).sum((-1, -2), keepdims=True)
    return mpjpe(joints * dot / np.maximum(square, 1e-12), truth)


def procrustes_aligned(
    joints: Float[np.ndarray, "*batch joints 3"], truth: Float[np.ndarray, "*batch joints 3"]
) -> Float[np.ndarray, "*batch joints 3"]:
    """Each pose moved, turned and scaled (never mirrored) to fit the truth best.

    Source: Umeyama, "Least-squares estimation of transformation parameters between two point
    patterns", TPAMI 1991, equations 40-42.
    """
    centre, goal = joints.mean(-2, keepdims=True), truth.mean(-2, keepdims=True)
    source, target = joints - centre, truth - goal
    left, stretch, right = np.linalg.svd(np.swapaxes(target, -1, -2) @ source)
    sign = np.ones_like(stretch)
    sign[..., -1] = np.sign(np.linalg.det(left @ right))
    rotation = (left * sign[..., None, :]) @ right
    variance = (source * source).sum((-1, -2))
    scale = (stretch * sign).sum(-1) / np.maximum(variance, 1e-12)
    return scale[..., None, None] * source @ np.swapaxes(rotation, -1, -2) + goal


def pa_mpjpe(
    joints: Float[np.ndarray, "*batch joints 3"], truth: Float[np.ndarray, "*batch joints 3"]
) -> Float[np.ndarray, "*batch"]:
    """MPJPE after Procrustes alignment of each pose.

    Source: Ionescu et al., TPAMI 2014 (protocol 2); alignment of :func:`procrustes_aligned`.
    """
    return mpjpe(procrustes_aligned(joints, truth), truth)
