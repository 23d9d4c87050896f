"""Graph layers over the body, written joint-major so that each is one batched matrix product.

Notation:
    J: joints, K: neighbour kinds, S: keypoint slots, N: poses (batch x frames), C: channels
"""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from core.models.body_graph import KINDS, body_edges, keypoint_sources
from core.models.config import GraphWeights
from core.skeleton import BODY


def _average_over_kinds() -> Float[Tensor, "kinds joints joints"]:
    """Row-normalised adjacency per kind: entry (k, j, i) weighs source i for target j."""
    (source, target), kind = body_edges()
    adjacency = np.zeros((len(KINDS), len(BODY), len(BODY)), np.float32)
    adjacency[kind, target, source] = 1
    return torch.from_numpy(adjacency / adjacency.sum(-1, keepdims=True).clip(min=1))


class BodyGraphConv(nn.Module):
    r"""Each joint becomes a linear function of its neighbours' means, one per kind.

    .. math:: y_j = b_j + \sum_k W_{k,j} \, \mathrm{mean}_{i \in N_k(j)} x_i

    with one ``W`` for all (``shared``), one per kind, or one per kind and target joint. The
    definition is :class:`core.models.sparse.SparseBodyGraphConv`; with 28 joints this dense form
    is faster and needs no memory per edge.

    Shape:
        input ``(J, N, C_in)``, output ``(J, N, C_out)``
    """

    average: Tensor

    def __init__(self, channels_in: int, channels_out: int, weights: GraphWeights) -> None:
        super().__init__()
        joints, kinds = len(BODY), len(KINDS)
        lead = {
            GraphWeights.SHARED: (1,),
            GraphWeights.PER_KIND: (kinds,),
            GraphWeights.PER_JOINT: (joints, kinds),
        }[weights]
        self.sharing = weights
        scale = (channels_in * kinds) ** -0.5
        self.weight = nn.Parameter(torch.randn(*lead, channels_in, channels_out) * scale)
        self.bias = nn.Parameter(torch.zeros(joints, 1, channels_out))
        self.register_buffer("average", _average_over_kinds()[1:].flatten(0, 1), persistent=False)

    def forward(self, features: Float[Tensor, "J N C_in"]) -> Float[Tensor, "J N C_out"]:
        joints, poses, channels = features.shape
        # (K-1 * J, J) @ (J, N * C): all neighbour means but the joint's own in one product
        means = (self.average @ features.reshape(joints, -1)).view(-1, joints, poses, channels)
        if self.sharing == GraphWeights.SHARED:
            return (features + means.sum(0)) @ self.weight + self.bias
        neighbours = torch.cat([features, *means.unbind(0)], dim=-1)  # (J, N, K * C)
        if self.sharing == GraphWeights.PER_KIND:
            return neighbours @ self.weight.flatten(0, 1) + self.bias
        return torch.baddbmm(self.bias, neighbours, self.weight.flatten(1, 2))


class KeypointEmbedding(nn.Module):
    """Bipartite input layer: each joint sees the few keypoints that say something about it.

    Every edge has its own weights, so a missing keypoint (all features 0) is told from one in
    the centre by the confidence among its features.

    Args:
        channels_in: features of a keypoint.
        channels_out: features of a joint.
        bias: without one, keypoints of nothing but zeros say nothing.

    Shape:
        input ``(N, keypoints, C_in)``, output ``(J, N, C_out)``
    """

    slots: Tensor

    def __init__(self, channels_in: int, channels_out: int, *, bias: bool = True) -> None:
        super().__init__()
        table = torch.from_numpy(keypoint_sources())
        joints, slots = table.shape
        self.register_buffer("slots", table, persistent=False)
        scale = (4 * channels_in) ** -0.5
        self.weight = nn.Parameter(torch.randn(joints, slots, channels_in, channels_out) * scale)
        self.bias = nn.Parameter(torch.zeros(joints, 1, channels_out)) if bias else None

    def forward(self, features: Float[Tensor, "N keypoints C_in"]) -> Float[Tensor, "J N C_out"]:
        joints, slots = self.slots.shape
        gathered = features.transpose(0, 1)[self.slots.clamp(min=0)]  # (J, S, N, C)
        gathered = gathered.transpose(1, 2).flatten(2)  # (J, N, S * C)
        used = (self.slots >= 0).to(features.dtype)
        weight = (self.weight * used.view(joints, slots, 1, 1)).flatten(1, 2)
        if self.bias is None:
            return torch.bmm(gathered, weight)
        return torch.baddbmm(self.bias, gathered, weight)


class BodyGraphBlock(nn.Module):
    """Residual pair of graph convolutions, normalised before each.

    Shape:
        input and output ``(J, N, C)``
    """

    def __init__(self, channels: int, weights: GraphWeights) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.LayerNorm(channels),
            BodyGraphConv(channels, channels, weights),
            nn.GELU(),
            BodyGraphConv(channels, channels, weights),
        )

    def forward(self, features: Float[Tensor, "J N C"]) -> Float[Tensor, "J N C"]:
        return features + self.layers(features)
