"""Graph layers over the body, written joint-major so that each is one batched matrix product.

Notation:
    J: joints, K: neighbour kinds within a frame, S: edges into a joint, E: edges,
    N: poses (batch x frames), C: channels
"""

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from core.models.frame_neighbours import AcrossTime, FrameNeighbours
from core.models.graph_form import GraphForm, GraphWeights
from core.models.parts import PartPooling
from core.models.precision import for_products
from core.models.topology import BodyTopology, KindMeans
from core.skeleton import BODY


class BodyGraphConv(nn.Module):
    r"""Each joint becomes a linear function of what its neighbours say, kind by kind.

    .. math:: y_j = b_j + \sum_k \sum_{i \in N_k(j)} a_{kji} \, W \, x_i

    with one ``W`` for all (``shared``), one per kind ``k``, one per kind and target ``j``, or one
    per edge ``(k, j, i)``. The strengths ``a`` are a mean over each kind, or learned
    (:class:`core.models.topology.BodyTopology`); of a joint in a neighbouring frame they fall with
    the time between (:class:`core.models.frame_neighbours.AcrossTime`).

    The definition is :class:`core.models.sparse.SparseBodyGraphConv`; this dense form keeps no
    matrix per message. ``docs/model-families.md`` has what both cost.

    Args:
        channels_in: features of a joint.
        channels_out: features it gets.
        form: of the graph.

    Shape:
        input ``(J, N, C_in)``, output ``(J, N, C_out)``; without ``frames`` every pose is alone
    """

    slots: Tensor

    def __init__(self, channels_in: int, channels_out: int, form: GraphForm) -> None:
        super().__init__()
        joints, kinds, times = len(BODY), len(form.body), len(form.time)
        self.form = form
        self.topology = BodyTopology(form)
        lead, time_lead = {
            GraphWeights.SHARED: ((1,), None),
            GraphWeights.PER_KIND: ((kinds,), (times,)),
            GraphWeights.PER_JOINT: ((joints, kinds), (joints, times)),
            GraphWeights.PER_EDGE: ((len(self.topology.kind),), (joints, times)),
        }[form.weights]
        scale = (channels_in * kinds) ** -0.5
        self.weight = nn.Parameter(torch.randn(*lead, channels_in, channels_out) * scale)
        self.bias = nn.Parameter(torch.zeros(joints, 1, channels_out))
        self.hear = KindMeans(self.topology, together=form.weights == GraphWeights.SHARED)
        self.across_time = AcrossTime(form.time) if form.time else None
        self.time_weight = None
        if form.time and time_lead is not None:
            # From nothing, so that weights which never heard another frame are a start.
            self.time_weight = nn.Parameter(torch.zeros(*time_lead, channels_in, channels_out))
        if form.weights == GraphWeights.PER_EDGE:
            self.register_buffer("slots", _edges_by_target(self.topology), persistent=False)

    def forward(
        self, features: Float[Tensor, "J N C_in"], frames: FrameNeighbours | None = None
    ) -> Float[Tensor, "J N C_out"]:
        features = for_products(features)
        over_time = []
        if self.across_time is not None and frames is not None:
            over_time = self.across_time(features, frames)
        match self.form.weights:
            case GraphWeights.SHARED:
                heard = sum(over_time, *self.hear(features))  # (J, N, C)
                return heard @ self.weight + self.bias
            case GraphWeights.PER_KIND:
                output = torch.cat(self.hear(features), -1) @ self.weight.flatten(0, 1) + self.bias
            case GraphWeights.PER_JOINT:
                heard = torch.cat(self.hear(features), -1)  # (J, N, K * C)
                output = torch.baddbmm(self.bias, heard, self.weight.flatten(1, 2))
            case GraphWeights.PER_EDGE:
                output = self._by_edge(features)
        if not over_time or self.time_weight is None:
            return output
        return output + torch.cat(over_time, -1) @ self.time_weight.flatten(-3, -2)

    def _by_edge(self, features: Float[Tensor, "J N C_in"]) -> Float[Tensor, "J N C_out"]:
        """All edges into a joint side by side; rows of fewer than S edges end in zeros."""
        used = self.slots >= 0
        edge = self.slots.clamp(min=0)  # (J, S)
        strength = self.topology.strengths()[edge] * used
        weight = self.weight[edge] * strength[..., None, None]  # (J, S, C_in, C_out)
        heard = features[self.topology.source[edge]]  # (J, S, N, C_in)
        heard = heard.transpose(1, 2).flatten(2)  # (J, N, S * C_in)
        return torch.baddbmm(self.bias, heard, weight.flatten(1, 2))


def _edges_by_target(topology: BodyTopology) -> Int64[Tensor, "J S"]:
    """Numbers of the edges into each joint; -1 fills rows that need fewer."""
    target = topology.target.numpy()
    into = [np.flatnonzero(target == joint) for joint in range(len(BODY))]
    table = np.full((len(BODY), max(map(len, into))), -1, np.int64)
    for joint, edges in enumerate(into):
        table[joint, : len(edges)] = edges
    return torch.from_numpy(table)


class BodyGraphSequential(nn.Sequential):
    """Layers in a row, of which graph layers also learn about the neighbouring frames."""

    def forward(
        self, input: Float[Tensor, "J N C"], frames: FrameNeighbours | None = None
    ) -> Float[Tensor, "J N C"]:
        features = input  # the name is torch's
        for layer in self:
            hears_frames = isinstance(layer, BodyGraphConv | BodyGraphBlock)
            features = layer(features, frames) if hears_frames else layer(features)
        return features


class BodyGraphBlock(nn.Module):
    """Residual pair of graph convolutions, normalised before each; then body parts, if pooled.

    Shape:
        input and output ``(J, N, C)``
    """

    def __init__(self, channels: int, form: GraphForm, *, part_pooling: bool = False) -> None:
        super().__init__()
        self.layers = BodyGraphSequential(
            nn.LayerNorm(channels),
            BodyGraphConv(channels, channels, form),
            nn.GELU(),
            BodyGraphConv(channels, channels, form),
        )
        self.parts = PartPooling(channels) if part_pooling else None

    def forward(
        self, features: Float[Tensor, "J N C"], frames: FrameNeighbours | None = None
    ) -> Float[Tensor, "J N C"]:
        features = features + self.layers(features, frames)
        return features if self.parts is None else self.parts(features)
