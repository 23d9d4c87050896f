"""Distances between predicted and true joints, as the literature defines them.

All lengths are metres, in and out; tables turn them into millimetres. Joints are expected
root-relative. A pose that holds a NaN scores NaN: what is missing is counted as coverage
(:mod:`core.evaluation.scoring`) and never read as a good or a bad pose.
"""

import numpy as np
from jaxtyping import Float

PCK_RADIUS_M = 0.15
AUC_RADII_M = np.arange(31) * 0.005
"""0, 5, ..., 150 mm, as in the evaluation script of the MPI-INF-3DHP test set."""


def joint_errors(
    joints: Float[np.ndarray, "*batch joints 3"], truth: Float[np.ndarray, "*batch joints 3"]
) -> Float[np.ndarray, "*batch joints"]:
    """Distance of each joint from where it is, metres."""
    return np.linalg.norm(joints - truth, axis=-1)


def mpjpe(
    joints: Float[np.ndarray, "*batch joints 3"], truth: Float[np.ndarray, "*batch joints 3"]
) -> Float[np.ndarray, "*batch"]:
    """Mean per-joint position error of each pose.

    Source: Ionescu et al., "Human3.6M", TPAMI 2014, protocol 1.
    """
    return joint_errors(joints, truth).mean(-1)


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

    A pose with a NaN anywhere comes back all NaN.

    Source: Umeyama, "Least-squares estimation of transformation parameters between two point
    patterns", TPAMI 1991, equations 40-42.
    """
    whole = np.isfinite(joints).all((-1, -2), keepdims=True)
    joints = np.where(whole, joints, 0)  # the decomposition would refuse a whole batch for one NaN
    centre, goal = joints.mean(-2, keepdims=True), truth.mean(-2, keepdims=True)
    source, target = joints - centre, truth - goal
    left, stretch, right = np.linalg.svd(np.swapaxes(target, -1, -2) @ source)
    sign = np.ones_like(stretch)
    sign[..., -1] = np.sign(np.linalg.det(left @ right))
    rotation = (left * sign[..., None, :]) @ right
    variance = (source * source).sum((-1, -2))
    scale = (stretch * sign).sum(-1) / np.maximum(variance, 1e-12)
    aligned = scale[..., None, None] * source @ np.swapaxes(rotation, -1, -2) + goal
    return np.where(whole, aligned, np.nan)


def pa_mpjpe(
    joints: Float[np.ndarray, "*batch joints 3"], truth: Float[np.ndarray, "*batch joints 3"]
) -> Float[np.ndarray, "*batch"]:
    """MPJPE after Procrustes alignment of each pose.

    Source: Ionescu et al., TPAMI 2014 (protocol 2); alignment of :func:`procrustes_aligned`.
    """
    return mpjpe(procrustes_aligned(joints, truth), truth)


def pck(
    joints: Float[np.ndarray, "*batch joints 3"],
    truth: Float[np.ndarray, "*batch joints 3"],
    radius_m: float = PCK_RADIUS_M,
) -> Float[np.ndarray, "*batch"]:
    """Share of each pose's joints that lie nearer than the radius, 0 to 1.

    Source: Mehta et al., "Monocular 3D Human Pose Estimation In The Wild Using Improved CNN
    Supervision", 3DV 2017, section 6 (3DPCK at 150 mm); "nearer than", as in their script.
    """
    return _share_within(joint_errors(joints, truth), radius_m)


def auc(
    joints: Float[np.ndarray, "*batch joints 3"], truth: Float[np.ndarray, "*batch joints 3"]
) -> Float[np.ndarray, "*batch"]:
    """PCK averaged over the radii of :data:`AUC_RADII_M`, 0 to 1.

    The radius 0 counts as well, so that a perfect pose has 30 / 31.

    Source: Mehta et al., 3DV 2017, and the script that comes with their test set.
    """
    errors = joint_errors(joints, truth)
    return np.mean([_share_within(errors, radius_m) for radius_m in AUC_RADII_M], axis=0)


def _share_within(
    errors_m: Float[np.ndarray, "*batch joints"], radius_m: float
) -> Float[np.ndarray, "*batch"]:
    share = (errors_m < radius_m).mean(-1)
    return np.where(np.isfinite(errors_m).all(-1), share, np.nan)
