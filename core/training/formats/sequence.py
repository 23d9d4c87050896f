"""What every loader returns: one clip of true poses, with its 2D if the dataset has it."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float32

from core.errors import DatasetInvalid
from core.training.formats.joint_layouts import JointLayout

MM = 0.001
"""Metres in a millimetre, for datasets that speak millimetres."""


@dataclass(frozen=True, eq=False)
class PoseSequence:
    """Consecutive frames of one person from one camera.

    Attributes:
        name: unique in its dataset; what messages call it.
        subject: who moves.
        action: what they do, as the dataset says.
        camera: which camera sees it; None for motion without a camera.
        fps: frames a second; None if the frames are not known to follow each other.
        layout: what the joints are.
        joints_m: metres, in the layout's order, finite. Where the origin lies is the dataset's.
        axes: ``camera`` (x right, y down, z away) or ``world`` (the dataset's own).
        keypoints_px: the same joints in pixels, NaN where unknown; None if there is no 2D.
        confidence: of the keypoints, in [0, 1]; None if the dataset has none.
        width_px: of the picture; None if unknown.
        height_px: of the picture; None if unknown.
    """

    name: str
    subject: str
    action: str
    camera: str | None
    fps: float | None
    layout: JointLayout
    joints_m: Float32[np.ndarray, "frames joints 3"]
    axes: Literal["camera", "world"]
    keypoints_px: Float32[np.ndarray, "_ _ 2"] | None = None
    confidence: Float32[np.ndarray, "_ _"] | None = None
    width_px: int | None = None
    height_px: int | None = None

    def __post_init__(self) -> None:
        """Refuse what no use could forgive.

        Raises:
            DatasetInvalid: the number of joints or frames does not fit, or a joint is none;
                names clip and frame.
        """
        shape = self.joints_m.shape[:2]
        if not len(self) or shape[1] != self.layout.joints:
            raise DatasetInvalid(
                f"Clip '{self.name}' has {shape[0]} frames of {shape[1]} joints, "
                f"and the layout {self.layout.name} has {self.layout.joints} joints."
            )
        if self.keypoints_px is not None and self.keypoints_px.shape[:2] != shape:
            frames, joints = self.keypoints_px.shape[:2]
            raise DatasetInvalid(
                f"Clip '{self.name}' has {shape[0]} frames of {shape[1]} joints in 3D "
                f"but {frames} frames of {joints} in 2D."
            )
        bad = np.flatnonzero(~np.isfinite(self.joints_m).all((1, 2)))
        if len(bad):
            more = f" and in {len(bad) - 1} others" if len(bad) > 1 else ""
            raise DatasetInvalid(
                f"Clip '{self.name}' has a number that is none in frame {bad[0]}{more}: "
                "repair or cut it."
            )

    def __len__(self) -> int:
        """How many frames."""
        return len(self.joints_m)
