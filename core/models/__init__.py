"""The lifter: pure networks from 2D keypoints to 3D joints, with no input or output of files."""

from core.models.config import GraphWeights, LifterConfig
from core.models.lifter import LiftedPose, Lifter

__all__ = ["GraphWeights", "LiftedPose", "Lifter", "LifterConfig"]
