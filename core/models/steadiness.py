"""How steady the keypoints are: what tells careful clicks from a detector's guesses.

Exact keypoints deserve to be followed to the millimetre and noisy ones do not, and the numbers
themselves say which they are: a detector trembles, and is seldom sure of everything.

Notation:
    B: windows, T: frames, P: keypoints
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from core.models.normalise import CentredView
from core.skeleton import BODY, KEYPOINT_NAMES

_FEATURES = 6
_CHANNELS = 32

_TRUNK = [
    KEYPOINT_NAMES.index(f"{side}_{part}")
    for side in ("left", "right")
    for part in ("shoulder", "hip")
]
_LIMBS = [
    KEYPOINT_NAMES.index(f"{side}_{part}")
    for side in ("left", "right")
    for part in ("elbow", "wrist", "knee", "ankle")
]
_STILLEST = 1e-4
"""Of the person's size: far below any detector's trembling."""
_SLOWEST_S, _FASTEST_S = 0.2, 0.005
_MIDDLE_LOG, _MIDDLE_LOG_STEP = -4.5, -3.4
"""Logarithms of usual bends and of 1/30 s, so that features lie about zero."""


class TrustFromSteadiness(nn.Module):
    """What steadiness says of each joint of a window: more trust in its keypoints, other doubt.

    Shape:
        view of ``(B, T)``, time_s ``(B, T)``; output ``(B, J)`` added to logits of trust, and
        ``(B, J)`` added to the logarithm of sigma
    """

    def __init__(self) -> None:
        super().__init__()
        last = nn.Linear(_CHANNELS, 2 * len(BODY))
        # From nothing, so that weights which never asked are a start.
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.layers = nn.Sequential(nn.Linear(_FEATURES, _CHANNELS), nn.GELU(), last)

    def forward(
        self, view: CentredView, time_s: Float[Tensor, "B T"]
    ) -> tuple[Float[Tensor, "B J"], Float[Tensor, "B J"]]:
        trust, log_sigma = self.layers(steadiness(view, time_s)).chunk(2, dim=-1)
        return trust, log_sigma


def steadiness(view: CentredView, time_s: Float[Tensor, "B T"]) -> Float[Tensor, "B features"]:
    """Mean log bend of trunk and of limbs, frame interval, share of certain keypoints.

    A bend is the second difference of a keypoint over three neighbouring frames, in units of the
    person's size in the picture. All finite, whatever is missing.
    """
    known = view.confidence > 0
    steps = _mean_log_step(view, time_s)
    trunk, any_trunk = _mean_log_bend(view.points[:, :, _TRUNK], known[:, :, _TRUNK])
    limbs, any_limbs = _mean_log_bend(view.points[:, :, _LIMBS], known[:, :, _LIMBS])
    number = known.sum((1, 2)).clamp(min=1).to(view.points.dtype)
    certain = (view.confidence >= 1).sum((1, 2)) / number
    return torch.stack([trunk, any_trunk, limbs, any_limbs, steps, certain], -1)


def _mean_log_bend(points: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """Mean over what is known in three frames running, and 1 where anything is."""
    if points.shape[1] < 3:
        nothing = points.new_zeros(len(points))
        return nothing, nothing
    bend = (points[:, 2:] - 2 * points[:, 1:-1] + points[:, :-2]).norm(dim=-1)
    counted = (known[:, 2:] & known[:, 1:-1] & known[:, :-2]).to(points.dtype)
    logs = bend.clamp(min=_STILLEST).log() - _MIDDLE_LOG
    number = counted.sum((1, 2))
    return (logs * counted).sum((1, 2)) / number.clamp(min=1), (number > 0).to(points.dtype)


def _mean_log_step(view: CentredView, time_s: Tensor) -> Tensor:
    """Mean log time between neighbouring present frames; 0 where there are none."""
    both = (view.present[:, 1:] & view.present[:, :-1]).to(view.points.dtype)
    step = torch.where(both > 0, time_s[:, 1:] - time_s[:, :-1], 1.0).to(view.points.dtype)
    logs = step.clamp(_FASTEST_S, _SLOWEST_S).log() - _MIDDLE_LOG_STEP
    return (logs * both).sum(1) / both.sum(1).clamp(min=1)
