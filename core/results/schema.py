"""The arrays of a result file: names, types and shapes. Schema version 1.

P people, T frames, 28 joints (``core.skeleton.BODY``), 33 keypoints (``KEYPOINT_NAMES``).
"""

from dataclasses import dataclass

import numpy as np

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class PersonField:
    """An array with one row per person and frame.

    Attributes:
        name: in the result file.
        dtype: little-endian, whatever the machine.
        shape: of one person in one frame.
        absent: the value where the person is absent.
    """

    name: str
    dtype: np.dtype
    shape: tuple[int, ...]
    absent: float | bool

    def absent_frames(self, frames: int) -> np.ndarray:
        """What is stored for a person who is not there."""
        return np.full((frames, *self.shape), self.absent, self.dtype)


JOINTS = PersonField("joints_3d", np.dtype("<f4"), (28, 3), np.nan)
SIGMA = PersonField("joints_3d_sigma", np.dtype("<f4"), (28,), np.nan)
KEYPOINTS = PersonField("keypoints_2d", np.dtype("<f4"), (33, 2), np.nan)
CONFIDENCE = PersonField("keypoints_confidence", np.dtype("<f4"), (33,), np.nan)
OBSERVED = PersonField("observed", np.dtype("?"), (), False)

PERSON_FIELDS = (JOINTS, SIGMA, KEYPOINTS, CONFIDENCE, OBSERVED)
TIME_DTYPE = np.dtype("<f8")
INDEX_DTYPE = np.dtype("<i8")
