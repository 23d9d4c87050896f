"""The graph layers as torch_geometric layers: what the dense ones are held to.

Everything is told by edges here, each frame's nodes with numbers of their own, so that poses in a
batch never mix. A message per edge, each through a matrix of its own, costs memory that the dense
layers do not need.
"""

from itertools import pairwise
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor
from torch_geometric.nn import MessagePassing
from torch_geometric.utils import scatter

from core.models.body_graph import body_edges
from core.models.graph import BodyGraphConv
from core.models.graph_form import GraphForm, GraphWeights, Neighbour
from core.models.parts import MembersConv
from core.skeleton import BODY


class SpaceTimeGraph(NamedTuple):
    """The edges of a batch of windows; node ``(b * frames + t) * 28 + j`` is joint j of frame t.

    Attributes:
        edge_index: source and target node.
        kind: of each edge, index in ``(*form.body, *form.time)``.
        gap_s: seconds between the frames of an edge; 0 within a frame.
    """

    edge_index: Int64[Tensor, "2 edges"]
    kind: Int64[Tensor, "edges"]
    gap_s: Float[Tensor, "edges"]


def batched(edge_index: Int64[Tensor, "2 edges"], poses: int) -> Int64[Tensor, "2 all_edges"]:
    """The edges of one body once per pose, with node offsets."""
    pose = torch.arange(poses, device=edge_index.device)
    return edge_index.repeat(1, poses) + pose.repeat_interleave(edge_index.shape[1]) * len(BODY)


def space_time_graph(
    form: GraphForm,
    present: Bool[Tensor, "windows frames"],
    time_s: Float[Tensor, "windows frames"],
) -> SpaceTimeGraph:
    """Body edges in every frame, and edges between each joint and itself in neighbouring frames.

    Args:
        form: fixed or masked topology; which kinds there are.
        present: absent frames are skipped by edges over time.
        time_s: seconds, rising where present.
    """
    joints = torch.arange(len(BODY))
    edges, kind = (torch.from_numpy(array) for array in body_edges(form.body))
    poses = present.numel()
    index, kinds = [batched(edges, poses)], [kind.repeat(poses)]
    gaps = [torch.zeros(index[0].shape[1])]
    for number, side in enumerate(form.time, start=len(form.body)):
        for window, row in enumerate(present):
            seen = row.nonzero().flatten().tolist()
            for earlier, later in pairwise(seen):
                ends = (later, earlier) if side == Neighbour.FORWARD else (earlier, later)
                nodes = [(window * len(row) + frame) * len(BODY) + joints for frame in ends]
                index.append(torch.stack(nodes))
                kinds.append(torch.full_like(joints, number))
                gap_s = time_s[window, later] - time_s[window, earlier]
                gaps.append(gap_s.expand(len(BODY)))
    return SpaceTimeGraph(torch.cat(index, 1), torch.cat(kinds), torch.cat(gaps))


class SparseBodyGraphConv(MessagePassing):
    r"""Relational graph convolution, one message per edge.

    .. math:: y_j = b_j + \sum_k \sum_{i \in N_k(j)} a_{kji} \, W_{kji} \, x_i

    with :math:`a_{kji} = 1 / |N_k(j)|` or learned, and :math:`e^{-\Delta t / \tau_k}` over time.
    Takes its parameters from a dense layer, so that both compute the same function.

    Source: Schlichtkrull et al., "Modeling Relational Data with Graph Convolutional Networks",
    ESWC 2018, with the kinds of Cai et al., ICCV 2019.
    """

    def __init__(self, dense: BodyGraphConv) -> None:
        super().__init__(aggr="add", flow="source_to_target")
        self.dense = dense
        self._within = len(dense.form.body)

    def forward(
        self, features: Float[Tensor, "nodes C_in"], graph: SpaceTimeGraph
    ) -> Float[Tensor, "nodes C_out"]:
        """Convolve.

        Args:
            features: of every joint of every pose, one node each.
            graph: of :func:`space_time_graph`, or with other edges if the topology is dense.
        """
        nodes = len(features)
        source, target = (row % len(BODY) for row in graph.edge_index)
        out = self.propagate(
            graph.edge_index,
            x=features,
            strength=self._strengths(graph, source, target),
            weight=self._edge_weights(graph.kind, source, target),
            size=(nodes, nodes),
        )
        return out + self.dense.bias[torch.arange(nodes, device=out.device) % len(BODY), 0]

    def _strengths(self, graph: SpaceTimeGraph, source: Tensor, target: Tensor) -> Tensor:
        if self.dense.topology.is_learned:
            strength = self._of_edge(self.dense.topology.strengths(), graph.kind, source, target)
        else:
            slot = graph.edge_index[1] * int(graph.kind.max() + 1) + graph.kind
            count = scatter(torch.ones_like(slot), slot, dim_size=int(slot.max() + 1), reduce="sum")
            strength = 1 / count[slot].float()
        if self.dense.across_time is None:
            return strength
        for row, log_memory_s in enumerate(self.dense.across_time.log_memory_s):
            later = graph.kind == self._within + row
            strength = torch.where(later, (-graph.gap_s / log_memory_s.exp()).exp(), strength)
        return strength

    def _edge_weights(self, kind: Tensor, source: Tensor, target: Tensor) -> Tensor:
        weight, time_weight = self.dense.weight, self.dense.time_weight
        in_frame = kind.clamp(max=self._within - 1)
        match self.dense.form.weights:
            case GraphWeights.SHARED:
                return weight.expand(len(kind), *weight.shape[1:])
            case GraphWeights.PER_KIND:
                found = weight[in_frame]
            case GraphWeights.PER_JOINT:
                found = weight[target, in_frame]
            case GraphWeights.PER_EDGE:
                found = self._of_edge(weight, kind, source, target)
        if time_weight is None:
            return found
        over_time = (kind - self._within).clamp(min=0)
        per_kind = self.dense.form.weights == GraphWeights.PER_KIND
        later = time_weight[over_time] if per_kind else time_weight[target, over_time]
        return torch.where((kind >= self._within)[:, None, None], later, found)

    def _of_edge(self, values: Tensor, kind: Tensor, source: Tensor, target: Tensor) -> Tensor:
        """Values of the edges within a frame; of those over time anything."""
        number = self.dense.topology.number()
        return values[number[kind.clamp(max=self._within - 1), target, source].clamp(min=0)]

    def message(self, x_j: Tensor, strength: Tensor, weight: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        """What one neighbour says, through its edge's matrix."""
        return torch.einsum("e,ec,ecd->ed", strength, x_j, weight)


class SparseMembersConv(MessagePassing):
    r"""Bipartite mean over members, then each target's own linear map.

    .. math:: y_t = b_t + W_t \, \mathrm{mean}_{s \in M(t)} x_s

    Takes its parameters from a dense layer, so that both compute the same function.
    """

    def __init__(self, dense: MembersConv) -> None:
        super().__init__(aggr="mean", flow="source_to_target")
        self.dense = dense

    def forward(
        self,
        features: Float[Tensor, "source_nodes C"],
        edge_index: Int64[Tensor, "2 edges"],
        poses: int,
    ) -> Float[Tensor, "target_nodes C"]:
        """Pool, or unpool.

        Args:
            features: sources of every pose, pose by pose.
            edge_index: sources and targets, each with the node offsets of its own side.
            poses: how many there are.
        """
        targets = len(self.dense.weight)
        means = self.propagate(
            edge_index, x=(features, None), size=(len(features), poses * targets)
        )
        target = torch.arange(targets, device=features.device).repeat(poses)
        return (
            torch.einsum("nc,ncd->nd", means, self.dense.weight[target])
            + (self.dense.bias[target, 0])
        )
