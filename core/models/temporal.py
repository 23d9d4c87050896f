"""Attention over time, by real seconds: any frame rate, any gaps, any number of frames.

Notation:
    B: windows, T: frames, C: channels, H: heads, D: channels per head
"""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from core.models.precision import full_precision

PERIODS_S = (0.1, 40.0)
"""Shortest and longest period of the rotary embedding: from two frames at 20 fps to a window."""


class SecondsRotary(nn.Module):
    """Rotary position embedding whose positions are seconds, so that only differences matter.

    Source: Su et al., "RoFormer", 2021, equation 34, with periods chosen for human motion.
    """

    omega: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        shortest, longest = (math.log(period) for period in PERIODS_S)
        periods = torch.exp(torch.linspace(shortest, longest, channels // 2))
        self.register_buffer("omega", 2 * math.pi / periods, persistent=False)

    def forward(self, seconds: Float[Tensor, "B T"]) -> Float[Tensor, "2 B 1 T D"]:
        """Cosine and sine of every angle, for :func:`rotate`."""
        angle = seconds[:, None, :, None] * self.omega  # (B, 1, T, D / 2)
        angle = torch.cat([angle, angle], dim=-1)
        return torch.stack([angle.cos(), angle.sin()])


def rotate(features: Float[Tensor, "B H T D"], table: Tensor) -> Float[Tensor, "B H T D"]:
    """Turn each pair of channels (first half, second half) by its angle."""
    first, second = features.chunk(2, dim=-1)
    return features * table[0] + torch.cat([-second, first], dim=-1) * table[1]


class TemporalLayer(nn.Module):
    """Pre-normalised attention over the frames of a window, then a feed-forward part.

    Shape:
        input and output ``(B, T, C)``; ``attend (B, 1, T, T)`` is true where a frame may look
    """

    def __init__(self, channels: int, heads: int, ratio: float, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(channels)
        self.project_in = nn.Linear(channels, 3 * channels)
        self.project_out = nn.Linear(channels, channels)
        hidden = round(channels * ratio)
        self.feedforward = nn.Sequential(
            nn.LayerNorm(channels),
            nn.Linear(channels, hidden),
            nn.GELU(),
            nn.Linear(hidden, channels),
            nn.Dropout(dropout),
        )
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, tokens: Float[Tensor, "B T C"], table: Tensor, attend: Bool[Tensor, "B 1 T T"]
    ) -> Float[Tensor, "B T C"]:
        batch, frames, channels = tokens.shape
        mixed = self.project_in(self.norm(tokens)).view(batch, frames, 3, self.heads, -1)
        query, key, value = mixed.permute(2, 0, 3, 1, 4).unbind(0)  # each (B, H, T, D)
        query, key = rotate(query, table), rotate(key, table)
        # On a CPU this kernel's gradient takes four times as long in bf16 as in float32.
        with full_precision(tokens.device):
            seen = functional.scaled_dot_product_attention(
                query, key, value.to(query.dtype), attn_mask=attend
            )
        tokens = tokens + self.dropout(
            self.project_out(seen.transpose(1, 2).reshape(batch, frames, channels))
        )
        return tokens + self.feedforward(tokens)
