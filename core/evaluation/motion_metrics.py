"""How a predicted movement differs from the true one over a clip: speed, steadiness, rigidity.

Metres and seconds, by true frame times, which need not be even. Where a frame that is needed holds
a NaN the value is NaN.
"""

import numpy as np
from jaxtyping import Float, Int64


def velocity_error(
    joints: Float[np.ndarray, "frames joints 3"],
    truth: Float[np.ndarray, "frames joints 3"],
    time_s: Float[np.ndarray, "frames"],
) -> Float[np.ndarray, "steps"]:
    """Mean over joints of the distance between the velocities, m/s, of each pair of frames.

    The literature's MPJVE is the same in mm per frame: divide by the frame rate.

    Source: Pavllo et al., "3D human pose estimation in video with temporal convolutions and
    semi-supervised training", CVPR 2019, section 5 (MPJVE).
    """
    step_s = np.diff(time_s)[:, None, None]
    apart = (np.diff(joints, axis=0) - np.diff(truth, axis=0)) / step_s
    return np.linalg.norm(apart, axis=-1).mean(-1)


def jitter(
    joints: Float[np.ndarray, "frames joints 3"], time_s: Float[np.ndarray, "frames"]
) -> Float[np.ndarray, "steps"]:
    """Mean over joints of the length of the third derivative (jerk), m/s^3, of each four frames.

    Taken as six times the third divided difference, which is exact for a cubic at any frame times.
    It grows with the third power of the frame rate: compare it at one rate only, and with the
    jitter of the true movement beside it.

    Source: Flash and Hogan, "The coordination of arm movements", J. Neuroscience 1985 (jerk as
    the measure of smoothness); as a metric of pose, Yi et al., "TransPose", SIGGRAPH 2021.
    """
    slope = joints
    for order in range(1, 4):
        span_s = time_s[order:] - time_s[:-order]
        slope = np.diff(slope, axis=0) / span_s[:, None, None]
    return 6 * np.linalg.norm(slope, axis=-1).mean(-1)


def bone_length_drift(
    joints: Float[np.ndarray, "frames joints 3"], bones: Int64[np.ndarray, "bones 2"]
) -> float:
    """Standard deviation of each bone's length over the clip, averaged over bones, metres.

    Bones are rigid, so the truth is near 0. Frames with a NaN do not count; with fewer than two
    others, or no bones, the drift is NaN.

    Args:
        joints: over one clip.
        bones: pairs of joints.
    """
    lengths = np.linalg.norm(joints[:, bones[:, 0]] - joints[:, bones[:, 1]], axis=-1)
    lengths = lengths[np.isfinite(lengths).all(-1)]
    if len(lengths) < 2 or not len(bones):
        return float("nan")
    return float(lengths.std(axis=0).mean())
