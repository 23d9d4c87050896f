"""One graph layer written in several ways; :mod:`benchmarks.graph_memory` measures their cost."""

from collections.abc import Callable, Mapping

import torch
from torch import nn

from core.models.body_graph import body_edges
from core.models.graph import BodyGraphConv
from core.models.graph_form import BODY_NEIGHBOURS, GraphForm, GraphWeights, Topology
from core.skeleton import BODY

CHANNELS = 32


class Messages(nn.Module):
    """torch_geometric's relational convolution over a batch of poses, one message per edge.

    Args:
        edges: of one pose, source and target joint.
        kind: of each edge, from 0.
        poses: in the batch.

    Shape:
        input and output ``(poses * joints, channels)``, pose by pose
    """

    def __init__(self, edges: torch.Tensor, kind: torch.Tensor, poses: int) -> None:
        from torch_geometric.nn import RGCNConv

        from core.models.sparse import batched

        super().__init__()
        kinds = int(kind.max()) + 1
        self.layer = RGCNConv(CHANNELS, CHANNELS, num_relations=kinds, aggr="mean")
        self.edge_index, self.kind = batched(edges, poses), kind.repeat(poses)

    def forward(self, nodes: torch.Tensor) -> torch.Tensor:
        return self.layer(nodes, self.edge_index, self.kind)


class SparseMessages(nn.Module):
    """The definition of a dense layer: one message per edge, through a matrix of its own.

    Shape:
        input and output ``(poses * joints, channels)``, pose by pose
    """

    def __init__(self, dense: BodyGraphConv, poses: int) -> None:
        from core.models.sparse import SparseBodyGraphConv, space_time_graph

        super().__init__()
        self.layer = SparseBodyGraphConv(dense)
        present = torch.ones(1, poses, dtype=torch.bool)
        self.graph = space_time_graph(dense.form, present, torch.zeros(1, poses))

    def forward(self, nodes: torch.Tensor) -> torch.Tensor:
        return self.layer(nodes, self.graph)


def dense_product(_poses: int) -> BodyGraphConv:
    """Ours: body edges as products with 28 x 28 matrices."""
    return BodyGraphConv(CHANNELS, CHANNELS, GraphForm(GraphWeights.PER_KIND))


def dense_product_per_joint(_poses: int) -> BodyGraphConv:
    """Ours with a matrix per kind and joint: the default of the lifter."""
    return BodyGraphConv(CHANNELS, CHANNELS, GraphForm(GraphWeights.PER_JOINT))


def dense_product_all_pairs(_poses: int) -> BodyGraphConv:
    """Ours with learned strengths between all joints, in each of four kinds."""
    form = GraphForm(GraphWeights.PER_KIND, topology=Topology.DENSE)
    return BodyGraphConv(CHANNELS, CHANNELS, form)


def messages_body_edges(poses: int) -> Messages:
    """One message per edge of the body, kind by kind."""
    edges, kind = (torch.from_numpy(array) for array in body_edges(BODY_NEIGHBOURS))
    others = kind > 0  # the joint itself is the layer's root
    return Messages(edges[:, others], kind[others] - 1, poses)


def messages_per_joint(poses: int) -> SparseMessages:
    """One message per edge of the body, and a matrix for each message: the definition of ours."""
    return SparseMessages(dense_product_per_joint(poses), poses)


def messages_all_pairs(poses: int) -> Messages:
    """One message per pair of joints: the fully connected body graph, all of one kind."""
    pairs = (1 - torch.eye(len(BODY))).nonzero().T
    return Messages(pairs, torch.zeros(pairs.shape[1], dtype=torch.int64), poses)


WAYS: Mapping[str, Callable[[int], nn.Module]] = {
    "dense product": dense_product,
    "dense product, per joint": dense_product_per_joint,
    "dense product, all pairs": dense_product_all_pairs,
    "messages": messages_body_edges,
    "messages, all pairs": messages_all_pairs,
    "messages, per joint": messages_per_joint,
}
"""Makes the layer for a batch of so many poses. All have weights per kind if nothing is said."""
