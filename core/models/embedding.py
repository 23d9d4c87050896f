"""The lifter's first layer: keypoints to features of joints.

Notation:
    J: joints, S: keypoint slots, N: poses (batch x frames), C: channels
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from core.models.body_graph import keypoint_sources


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
