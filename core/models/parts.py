"""From local to global and back: joints to body parts, parts to the whole body.

Source: Cai et al., "Exploiting Spatial-temporal Relationships for 3D Pose Estimation via Graph
Convolutional Networks", ICCV 2019 (its local-to-global network).

Notation:
    J: joints, P: parts, N: poses, C: channels
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from core.models.body_graph import part_members


class MembersConv(nn.Module):
    r"""Each target becomes a linear function of its members' mean, with weights of its own.

    .. math:: y_t = b_t + W_t \, \mathrm{mean}_{s \in M(t)} x_s

    The definition is :class:`core.models.sparse.SparseMembersConv`.

    Args:
        members: which sources each target has; at least one each.
        channels: of sources and targets.

    Shape:
        input ``(sources, N, C)``, output ``(targets, N, C)``
    """

    _mean: Tensor

    def __init__(self, members: Bool[Tensor, "targets sources"], channels: int) -> None:
        super().__init__()
        targets = len(members)
        self.weight = nn.Parameter(torch.randn(targets, channels, channels) * channels**-0.5)
        self.bias = nn.Parameter(torch.zeros(targets, 1, channels))
        mean = members.float() / members.sum(1, keepdim=True)
        self.register_buffer("_mean", mean, persistent=False)

    def forward(self, features: Float[Tensor, "sources N C"]) -> Float[Tensor, "targets N C"]:
        means = (self._mean @ features.flatten(1)).unflatten(1, features.shape[1:])
        return torch.baddbmm(self.bias, means, self.weight)


class PartPooling(nn.Module):
    """Residual: joints tell their part, parts tell the body, which answers the same way down.

    Shape:
        input and output ``(J, N, C)``
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        members = torch.from_numpy(part_members().copy())  # (P, J)
        whole = torch.ones(1, len(members), dtype=torch.bool)
        self.norm = nn.LayerNorm(channels)
        self.to_parts = MembersConv(members, channels)
        self.to_body = MembersConv(whole, channels)
        self.from_body = MembersConv(whole.T, channels)
        self.to_joints = MembersConv(members.T, channels)
        # From nothing, so that weights which never heard of parts are a start.
        nn.init.zeros_(self.to_joints.weight)
        self.act = nn.GELU()

    def forward(self, features: Float[Tensor, "J N C"]) -> Float[Tensor, "J N C"]:
        parts = self.act(self.to_parts(self.norm(features)))  # (P, N, C)
        body = self.act(self.to_body(parts))  # (1, N, C)
        return features + self.to_joints(self.act(parts + self.from_body(body)))
