"""How much of each joint reaches which: the adjacency of the body graph, fixed or learned.

Notation:
    E: edges, K: neighbour kinds within a frame, J: joints, N: poses, C: channels
"""

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from core.models.body_graph import body_edges
from core.models.graph_form import GraphForm, Topology
from core.skeleton import BODY


class BodyTopology(nn.Module):
    """The edges within a frame, each with its strength.

    A ``fixed`` edge weighs one over the number of neighbours of its kind that its target has: the
    neighbours' mean. A learned one begins with that, or with 0 where the body has no edge.

    Attributes:
        source: joint that each edge leaves.
        target: joint that it informs.
        kind: index in ``form.body``.
    """

    source: Tensor
    target: Tensor
    kind: Tensor
    _fixed: Tensor

    def __init__(self, form: GraphForm) -> None:
        super().__init__()
        joints, kinds = len(BODY), len(form.body)
        (source, target), kind = body_edges(form.body)
        mean = np.zeros((kinds, joints, joints), np.float32)
        mean[kind, target, source] = 1
        mean /= mean.sum(-1, keepdims=True).clip(min=1)
        if form.topology == Topology.DENSE:
            kind, target, source = np.indices(mean.shape).reshape(3, -1)
        strength = torch.from_numpy(mean[kind, target, source])
        self._shape = mean.shape
        self.strength = None
        if form.topology == Topology.FIXED:
            self.register_buffer("_fixed", strength, persistent=False)
        else:
            self.strength = nn.Parameter(strength)
        for name, row in (("source", source), ("target", target), ("kind", kind)):
            self.register_buffer(name, torch.from_numpy(row.astype(np.int64)), persistent=False)

    @property
    def is_learned(self) -> bool:
        return self.strength is not None

    def strengths(self) -> Float[Tensor, "E"]:
        """Of every edge."""
        return self._fixed if self.strength is None else self.strength

    def adjacency(self) -> Float[Tensor, "K J J"]:
        """Entry ``(k, j, i)`` weighs source i for target j."""
        strength = self.strengths()
        kinds, joints, _ = self._shape
        place = (self.kind * joints + self.target) * joints + self.source
        empty = strength.new_zeros(kinds * joints * joints)
        return empty.scatter(0, place, strength).view(self._shape)

    def number(self) -> Int64[Tensor, "K J J"]:
        """Number of the edge of this kind, target and source; -1 where there is none."""
        table = torch.full(self._shape, -1, device=self.kind.device)
        table[self.kind, self.target, self.source] = torch.arange(
            len(self.kind), device=self.kind.device
        )
        return table


class KindMeans(nn.Module):
    """What each joint hears from its neighbours of each kind, strengths applied.

    Args:
        topology: of the edges.
        together: all kinds in one sum.

    Shape:
        input ``(J, N, C)``, output a tensor of that shape per kind
    """

    _means: Tensor

    def __init__(self, topology: BodyTopology, *, together: bool) -> None:
        super().__init__()
        self.topology = topology
        self.together = together
        # A fixed graph needs no product for the joint itself.
        self._itself_apart = not topology.is_learned and not together
        if not topology.is_learned:
            self.register_buffer("_means", self._rows(), persistent=False)

    def forward(self, features: Float[Tensor, "J N C"]) -> list[Float[Tensor, "J N C"]]:
        means = self._rows() if self.topology.is_learned else self._means
        # (K * J, J) @ (J, N * C): all kinds in one product
        heard = means @ features.flatten(1)
        kinds = heard.view(len(means) // len(BODY), *features.shape).unbind(0)
        return [features, *kinds] if self._itself_apart else [*kinds]

    def _rows(self) -> Float[Tensor, "KJ J"]:
        adjacency = self.topology.adjacency()
        if self.together:
            return adjacency.sum(0)
        return adjacency[1:].flatten(0, 1) if self._itself_apart else adjacency.flatten(0, 1)
