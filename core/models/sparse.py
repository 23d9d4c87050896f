"""The body graph convolution as a torch_geometric layer: what the dense one is held to."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch_geometric.nn import MessagePassing
from torch_geometric.utils import scatter

from core.models.config import GraphWeights
from core.models.graph import BodyGraphConv


class SparseBodyGraphConv(MessagePassing):
    r"""Relational graph convolution with mean aggregation within each neighbour kind.

    .. math:: y_j = b_j + \sum_k W_{k,j} \, \frac{1}{|N_k(j)|} \sum_{i \in N_k(j)} x_i

    Takes its weights from a dense layer, so that both compute the same function.

    Source: Schlichtkrull et al., "Modeling Relational Data with Graph Convolutional Networks",
    ESWC 2018, with the kinds of Cai et al., ICCV 2019.
    """

    def __init__(self, dense: BodyGraphConv) -> None:
        super().__init__(aggr="add", flow="source_to_target")
        self.dense = dense

    def forward(
        self,
        features: Float[Tensor, "nodes C_in"],
        edge_index: Int64[Tensor, "2 edges"],
        kind: Int64[Tensor, "edges"],
        joint: Int64[Tensor, "nodes"],
    ) -> Float[Tensor, "nodes C_out"]:
        """Convolve.

        Args:
            features: of every joint of every pose, one node each.
            edge_index: source and target nodes; poses in a batch need node offsets.
            kind: of each edge, an index in ``KINDS``.
            joint: which body joint each node is.
        """
        nodes, kinds = len(features), int(kind.max()) + 1
        slot = edge_index[1] * kinds + kind
        count = scatter(torch.ones_like(slot), slot, dim_size=nodes * kinds, reduce="sum")
        out = self.propagate(
            edge_index,
            x=features,
            share=1 / count[slot].to(features.dtype),
            weight=self._edge_weights(kind, joint[edge_index[1]]),
            size=(nodes, nodes),
        )
        return out + self.dense.bias[joint, 0]

    def _edge_weights(self, kind: Tensor, target: Tensor) -> Tensor:
        weight = self.dense.weight
        match self.dense.sharing:
            case GraphWeights.SHARED:
                return weight.expand(len(kind), *weight.shape[1:])
            case GraphWeights.PER_KIND:
                return weight[kind]
            case GraphWeights.PER_JOINT:
                return weight[target, kind]

    def message(self, x_j: Tensor, share: Tensor, weight: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        """One neighbour's share, through its edge's matrix."""
        return torch.einsum("e,ec,ecd->ed", share, x_j, weight)
