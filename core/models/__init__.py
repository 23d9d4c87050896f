"""The lifter: pure networks from 2D keypoints to 3D joints, with no input or output of files."""

from core.models.config import LifterConfig
from core.models.graph_form import GraphWeights, Neighbour, Topology
from core.models.lifter import LiftedPose, Lifter

__all__ = ["GraphWeights", "LiftedPose", "Lifter", "LifterConfig", "Neighbour", "Topology"]
