"""What turns and scales one 3D pose into another."""

import numpy as np
from jaxtyping import Float64


def similarity(
    source: Float64[np.ndarray, "poses joints 3"], target: Float64[np.ndarray, "poses joints 3"]
) -> tuple[Float64[np.ndarray, "poses 3 3"], Float64[np.ndarray, "poses"]]:
    """Rotation and scale that map source poses onto target poses best, each about its own middle.

    Source: Umeyama, "Least-squares estimation of transformation parameters between two point
    patterns", TPAMI 1991, equations 40-42.
    """
    source, target = (poses - poses.mean(1, keepdims=True) for poses in (source, target))
    left, stretch, right = np.linalg.svd(np.swapaxes(target, 1, 2) @ source)
    sign = np.ones_like(stretch)
    sign[:, -1] = np.sign(np.linalg.det(left @ right))
    rotation = (left * sign[:, None]) @ right
    return rotation, (stretch * sign).sum(1) / (source**2).sum((1, 2))


def rotation_vector_deg(
    rotation: Float64[np.ndarray, "poses 3 3"],
) -> Float64[np.ndarray, "poses 3"]:
    """Axis times angle; good for the angles that occur here, well below half a turn."""
    skew = np.stack(
        [
            rotation[:, 2, 1] - rotation[:, 1, 2],
            rotation[:, 0, 2] - rotation[:, 2, 0],
            rotation[:, 1, 0] - rotation[:, 0, 1],
        ],
        1,
    )
    sine = np.linalg.norm(skew, axis=1) / 2
    angle = np.arctan2(sine, (np.trace(rotation, axis1=1, axis2=2) - 1) / 2)
    return np.degrees(skew / 2 * (angle / np.maximum(sine, 1e-9))[:, None])
