"""Which frame comes after and before each: the edges of the graph over time.

Only present frames are neighbours, and only within their own window: a frame without anybody is as
if it were not there, and the ends of a window have nobody beyond them.

Notation:
    B: windows, T: frames, N: B * T, C: channels, J: joints
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from core.models.graph_form import Neighbour

SIDES = (Neighbour.FORWARD, Neighbour.BACKWARD)
"""Rows of :class:`FrameNeighbours`."""
_FIRST_MEMORY_S = 0.2
"""At the start of training: some six frames of an ordinary video."""


class FrameNeighbours(NamedTuple):
    """The nearest present frame on each of ``SIDES``.

    Attributes:
        source: number of that frame among all N; frame 0 where there is none.
        gap_s: seconds between the two; 0 where there is none.
        known: 1 where there is one, else 0; absent frames have none.
    """

    source: Int64[Tensor, "2 N"]
    gap_s: Float[Tensor, "2 N"]
    known: Float[Tensor, "2 N"]


def frame_neighbours(
    present: Bool[Tensor, "B T"], seconds: Float[Tensor, "B T"]
) -> FrameNeighbours:
    """Find them.

    Args:
        present: frames in which anything is known.
        seconds: of each frame, in rising order where present; finite everywhere.
    """
    rank = present.long().cumsum(1)
    # (B, target, source): the source is the very next present frame after the target
    follows = (rank[:, None, :] == rank[:, :, None] + 1) & present[:, None, :] & present[:, :, None]
    either = torch.stack([follows, follows.mT])  # (2, B, T, T), at most one source a row
    # Counted rather than made by `arange`, which would tie an exported graph to one device.
    number = torch.ones_like(rank).flatten().cumsum(0).view_as(rank) - 1
    source = (either * number[:, None, :]).sum(-1).flatten(1)
    known = either.any(-1).flatten(1)
    flat_s = seconds.flatten()
    gap_s = torch.where(known, (flat_s[source] - flat_s).abs(), 0)
    return FrameNeighbours(source, gap_s, known.to(seconds.dtype))


class AcrossTime(nn.Module):
    r"""What each joint hears of itself in a neighbouring frame.

    .. math:: m_k = e^{-\Delta t_k / \tau_k} \, x_k

    A frame a few milliseconds away is heard in full, one across a gap hardly: so the same weights
    serve any frame rate and uneven times. The memory :math:`\tau` of each kind is learned.

    Args:
        kinds: of ``SIDES``.

    Shape:
        input ``(J, N, C)``, output one tensor of that shape per kind
    """

    def __init__(self, kinds: tuple[Neighbour, ...]) -> None:
        super().__init__()
        self._sides = [SIDES.index(kind) for kind in kinds]
        self.log_memory_s = nn.Parameter(torch.full((len(kinds),), math.log(_FIRST_MEMORY_S)))

    def share(self, gap_s: Float[Tensor, "*gaps"], row: int) -> Float[Tensor, "*gaps"]:
        """How much is heard across a gap, by the kind in this row."""
        return torch.exp(-gap_s * torch.exp(-self.log_memory_s[row]))

    def forward(
        self, features: Float[Tensor, "J N C"], frames: FrameNeighbours
    ) -> list[Float[Tensor, "J N C"]]:
        heard = []
        for row, side in enumerate(self._sides):
            share = frames.known[side] * self.share(frames.gap_s[side], row)
            heard.append(features.index_select(1, frames.source[side]) * share[:, None])
        return heard
