r"""How much shorter than they are the limbs look, and so how far they must reach in depth.

A segment of length :math:`L` that looks :math:`u` long spans :math:`\pm\sqrt{L^2 - u^2}` in depth.
Squares and roots are what layers of sums and gentle bends learn last, so they are worked out here;
the sign, and what to believe, is the network's. Lengths come from three places, none of them
certain: usual proportions scaled to the longest-looking segment of the frame, the same over the
window, and the longest that the segment itself looks in the window.

Notation:
    B: windows, T: frames, S: segments
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from core.models.lines_of_sight import joint_places
from core.models.normalise import CentredView
from core.skeleton import BODY

_UNIT_M = 0.41
"""What one unit of the scaled picture usually is: the mean distance of keypoints from the trunk."""

_USUAL_M: dict[tuple[str, str], float] = {
    ("pelvis", "neck"): 0.53,
    ("neck", "head_top"): 0.28,
    ("left_shoulder", "right_shoulder"): 0.36,
    ("left_hip", "right_hip"): 0.17,
    **{
        (f"{side}_{start}", f"{side}_{end}"): length
        for side in ("left", "right")
        for start, end, length in (
            ("shoulder", "elbow", 0.285),
            ("elbow", "wrist", 0.245),
            ("wrist", "hand", 0.085),
            ("hip", "knee", 0.39),
            ("knee", "ankle", 0.435),
            ("ankle", "toe", 0.18),
        )
    },
}
_LONG_M = 0.2
"""Segments above this length tell the scale; errors would dominate in shorter ones."""
_SHARPNESS = 16.0
"""Exponent of the power mean that stands for a maximum without trusting one value alone."""
_SHORTEST = 1e-3
_SOFTENING = 1e-5
"""A bare root is endlessly steep at nothing, and would make rounding errors large ones."""
_SCALE_RANGE = (0.05, 20.0)

SEGMENTS = len(_USUAL_M)
_PER_SEGMENT = 7
_PER_FRAME = 2
FORESHORTENING = SEGMENTS * _PER_SEGMENT + _PER_FRAME
"""Numbers per frame that :class:`Foreshortening` works out."""


class _Looks(NamedTuple):
    """Segments as they look: end minus start, length, and whether both ends are known."""

    across: Float[Tensor, "B T S 2"]
    length: Float[Tensor, "B T S"]
    known: Bool[Tensor, "B T S"]


class Foreshortening(nn.Module):
    """Apparent lengths and the reach in depth that follows from them, all 0 where unknown.

    Shape:
        output ``(B, T, FORESHORTENING)``: for each segment its two coordinates, its length, three
        reaches and whether it is known; then the logarithms of both scales
    """

    ends: Tensor
    needed: Tensor
    usual: Tensor
    long: Tensor

    def __init__(self) -> None:
        super().__init__()
        places = joint_places()
        starts, stops = zip(*_USUAL_M, strict=True)
        start, stop = ([BODY.index(name) for name in names] for names in (starts, stops))
        usual = torch.tensor(list(_USUAL_M.values()))
        needed = ((places[start] != 0) | (places[stop] != 0)).float()
        self.register_buffer("ends", places[stop] - places[start], persistent=False)
        self.register_buffer("needed", needed, persistent=False)
        self.register_buffer("usual", usual / _UNIT_M, persistent=False)
        self.register_buffer("long", usual > _LONG_M, persistent=False)

    def forward(self, view: CentredView) -> Float[Tensor, "B T features"]:
        looks = self._looks(view)
        telling = looks.known & self.long
        ratio = looks.length / self.usual
        scale_frame = _near_maximum(ratio, telling, (2,)).clamp(*_SCALE_RANGE)  # (B, T, 1)
        scale_window = _near_maximum(ratio, telling, (1, 2)).clamp(*_SCALE_RANGE)  # (B, 1, 1)
        longest = _near_maximum(looks.length, looks.known, (1,))  # (B, 1, S)
        reaches = [
            _reach(scale_frame * self.usual, looks.length),
            _reach(scale_window * self.usual, looks.length),
            _reach(longest, looks.length),
        ]
        known = looks.known.to(ratio.dtype)
        columns = [*looks.across.unbind(-1), looks.length, *reaches]
        per_segment = torch.cat([*(column * known for column in columns), known], -1)
        scales = torch.cat([scale_frame, scale_window.expand_as(scale_frame)], -1).log()
        any_scale = telling.any(-1, keepdim=True)
        return torch.cat([per_segment, torch.where(any_scale, scales, 0)], -1)

    def _looks(self, view: CentredView) -> _Looks:
        across = self.ends @ view.points
        missing = (view.confidence <= 0).to(self.needed.dtype) @ self.needed.mT
        return _Looks(across, across.norm(dim=-1), missing < 0.5)


def _near_maximum(values: Tensor, counted: Tensor, dims: tuple[int, ...]) -> Tensor:
    """Power mean of what counts, by logarithms so that no power overflows; 1 where nothing does."""
    logs = values.clamp(min=_SHORTEST).log() * _SHARPNESS
    logs = torch.where(counted, logs, -torch.inf)
    number = counted.sum(dims, keepdim=True)
    nothing = number == 0
    total = torch.where(nothing & torch.ones_like(counted), 0.0, logs).logsumexp(dims, keepdim=True)
    mean = ((total - number.clamp(min=1).to(total.dtype).log()) / _SHARPNESS).exp()
    return torch.where(nothing, 1.0, mean)


def _reach(length: Tensor, looks: Tensor) -> Tensor:
    return ((length * length - looks * looks).clamp(min=0) + _SOFTENING).sqrt()
