"""Mean and spread of a dataset's 2D and 3D, saved with the run that learnt from it.

The lifter needs none of this: it normalises every window by itself. Programs that feed or read a
network with normalised numbers do.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from core.training.formats.sequence import MM, PoseSequence

_LEAST_SPREAD = 1e-6


def save_normalisation(path: Path, sequences: Sequence[PoseSequence]) -> None:
    """Write an ``.npz`` over the frames that are learnt from.

    Its fields are ``pose2d_mean`` and ``pose2d_std`` ``(joints, 2)`` in pixels, ``pose3d_mean`` and
    ``pose3d_std`` ``(joints, 3)`` in millimetres as in ``mpi_inf_combined.npz``, and ``frames``.
    Spreads are never 0, so that one may divide by them. Unknown keypoints do not count; where a
    keypoint is never known, mean and spread are NaN.
    """
    joints_mm = np.concatenate([each.joints_m for each in sequences]) / MM
    fields = {
        "pose3d_mean": joints_mm.mean(0, dtype=np.float64),
        "pose3d_std": joints_mm.std(0, dtype=np.float64),
        "frames": np.int64(len(joints_mm)),
    }
    seen = [each.keypoints_px for each in sequences if each.keypoints_px is not None]
    if seen:
        fields["pose2d_mean"], fields["pose2d_std"] = _over_known(np.concatenate(seen))
    for name in ("pose3d_std", "pose2d_std"):
        if name in fields:
            fields[name] = np.maximum(fields[name], _LEAST_SPREAD)
    np.savez(path, **fields)


def _over_known(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    known = np.isfinite(pixels).all(-1, keepdims=True)
    count = known.sum(0)
    with np.errstate(invalid="ignore"):  # 0 / 0 is NaN, as promised
        mean = np.where(known, pixels, 0).sum(0, dtype=np.float64) / count
        square = np.where(known, pixels - mean, 0) ** 2
        return mean, np.sqrt(square.sum(0, dtype=np.float64) / count)
