"""The named choices of a body graph: which neighbours, whose weights, which edges."""

from dataclasses import dataclass
from enum import StrEnum


class GraphWeights(StrEnum):
    """Which edges of a graph convolution share a matrix.

    ``shared``: all of them. ``per_kind``: those of one neighbour kind. ``per_joint``: those of one
    kind into one joint. ``per_edge``: every edge has its own.

    Source: Liu et al., "A Comprehensive Study of Weight Sharing in Graph Networks for 3D Human
    Pose Estimation", ECCV 2020; per joint and per edge: Ci et al., "Optimizing Network Structure
    for 3D Human Pose Estimation", ICCV 2019 (LCN).
    """

    SHARED = "shared"
    PER_KIND = "per_kind"
    PER_JOINT = "per_joint"
    PER_EDGE = "per_edge"


class Neighbour(StrEnum):
    """Kinds of neighbour, named by where the neighbour lies.

    The joint itself, its parent, its children, its left/right counterpart; and the same joint in
    the next and in the previous frame.

    Source: Cai et al., "Exploiting Spatial-temporal Relationships for 3D Pose Estimation via Graph
    Convolutional Networks", ICCV 2019.
    """

    SELF = "self"
    INWARD = "inward"
    OUTWARD = "outward"
    MIRROR = "mirror"
    FORWARD = "forward"
    BACKWARD = "backward"

    @property
    def is_in_time(self) -> bool:
        return self in (Neighbour.FORWARD, Neighbour.BACKWARD)


BODY_NEIGHBOURS = tuple(kind for kind in Neighbour if not kind.is_in_time)
"""All that one frame holds."""


class Topology(StrEnum):
    """Which joints may inform which, and how much.

    ``fixed``: the body's edges, every neighbour of a kind alike. ``masked_learnable``: the same
    edges, each with a strength that is learned. ``dense``: every joint informs every joint in every
    kind, with learned strengths. Both start as ``fixed``.

    Source: learned strengths on a mask: Yan et al., "Spatial Temporal Graph Convolutional Networks
    for Skeleton-Based Action Recognition", AAAI 2018 (edge importance); off the mask: Shi et al.,
    "Two-Stream Adaptive Graph Convolutional Networks", CVPR 2019 (there the sum of both).
    """

    FIXED = "fixed"
    MASKED_LEARNABLE = "masked_learnable"
    DENSE = "dense"


@dataclass(frozen=True)
class GraphForm:
    """What one graph convolution is made of.

    Attributes:
        weights: which edges share a matrix.
        neighbours: kinds of neighbour that are heard, in any order; ``self`` is among them.
        topology: of the edges within a frame.
    """

    weights: GraphWeights = GraphWeights.PER_JOINT
    neighbours: tuple[Neighbour, ...] = BODY_NEIGHBOURS
    topology: Topology = Topology.FIXED

    @property
    def body(self) -> tuple[Neighbour, ...]:
        """Kinds within a frame, in the order of :class:`Neighbour`."""
        return tuple(kind for kind in BODY_NEIGHBOURS if kind in self.neighbours)

    @property
    def time(self) -> tuple[Neighbour, ...]:
        """Kinds in other frames, in the order of :class:`Neighbour`."""
        return tuple(kind for kind in Neighbour if kind.is_in_time and kind in self.neighbours)
