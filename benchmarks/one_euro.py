"""The One-Euro filter, which most pose trackers smooth with: what our smoothing is held against."""

import numpy as np
from jaxtyping import Float64


def one_euro(
    joints_m: Float64[np.ndarray, "clips frames joints 3"],
    time_s: Float64[np.ndarray, "clips frames"],
    min_cutoff_hz: float,
    beta: float,
    speed_cutoff_hz: float = 1.0,
) -> Float64[np.ndarray, "clips frames joints 3"]:
    """Filter each joint by its own speed, over true times.

    Args:
        joints_m: metres.
        time_s: of each clip's frames, rising.
        min_cutoff_hz: of a joint at rest.
        beta: by how much the cutoff rises with speed, Hz per m/s.
        speed_cutoff_hz: of the filter on the speed.

    Source: Casiez, Roussel and Vogel, "1 euro filter", CHI 2012, algorithm 1, with the length of a
        joint's velocity for the speed.
    """
    filtered = joints_m.copy()
    velocity = np.zeros_like(joints_m[:, 0])
    for frame in range(1, joints_m.shape[1]):
        step_s = (time_s[:, frame] - time_s[:, frame - 1])[:, None, None]
        apart = joints_m[:, frame] - filtered[:, frame - 1]
        velocity += _gain(speed_cutoff_hz, step_s) * (apart / step_s - velocity)
        speed = np.linalg.norm(velocity, axis=-1, keepdims=True)
        gain = _gain(min_cutoff_hz + beta * speed, step_s)
        filtered[:, frame] = filtered[:, frame - 1] + gain * apart
    return filtered


def _gain(cutoff_hz: np.ndarray | float, step_s: np.ndarray) -> np.ndarray:
    return 1 / (1 + 1 / (2 * np.pi * cutoff_hz * step_s))
