"""How steady the keypoints are: what tells careful clicks from a detector's guesses.

Exact keypoints deserve to be followed to the millimetre and noisy ones do not, and the numbers
themselves say which they are: a detector trembles, and is seldom sure of everything.

Notation:
    B: windows, T: frames, N: B * T, P: keypoints, J: joints
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from core.models.frame_neighbours import FrameNeighbours, frame_neighbours
from core.models.normalise import CentredView
from core.skeleton import BODY, KEYPOINT_NAMES

STEADINESS_NAMES = ("trunk", "any_trunk", "limbs", "any_limbs", "interval", "certain")
"""Numbers per window in the output of :class:`Steadiness`."""
STEADINESS = len(STEADINESS_NAMES)
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


class Steadiness(nn.Module):
    """Mean log bend of trunk and of limbs, frame interval, share of certain keypoints.

    A bend is how far a keypoint lies from where the present frames before and after it say, twice,
    in units of the person's size in the picture: at even times its second difference. All numbers
    are finite, whatever is missing.

    Shape:
        view of ``(B, T)``, time_s ``(B, T)`` seconds; output ``(B, STEADINESS)`` in the order of
        ``STEADINESS_NAMES``
    """

    trunk: Tensor
    limbs: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("trunk", _ones_at(_TRUNK), persistent=False)
        self.register_buffer("limbs", _ones_at(_LIMBS), persistent=False)

    def forward(self, view: CentredView, time_s: Float[Tensor, "B T"]) -> Float[Tensor, "B F"]:
        frames = frame_neighbours(view.present, time_s)
        log_bend, bent = _log_bends(view, frames)
        number = (view.confidence > 0).sum((1, 2)).clamp(min=1).to(log_bend.dtype)
        certain = (view.confidence >= 1).sum((1, 2)) / number
        steps = frames.known[0].view_as(time_s)
        gap_s = frames.gap_s[0].view_as(time_s).clamp(_FASTEST_S, _SLOWEST_S)
        of_trunk, any_trunk = _mean(log_bend, bent * self.trunk)
        of_limbs, any_limbs = _mean(log_bend, bent * self.limbs)
        interval, _ = _mean((gap_s.log() - _MIDDLE_LOG_STEP)[..., None], steps[..., None])
        return torch.stack([of_trunk, any_trunk, of_limbs, any_limbs, interval, certain], -1)


class TrustFromSteadiness(nn.Module):
    """What steadiness says of each joint of a window: more trust in its keypoints, other doubt.

    Shape:
        input of :class:`Steadiness`, ``(B, STEADINESS)``; output ``(B, J)`` added to logits of
        trust, and ``(B, J)`` added to the logarithm of sigma
    """

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(STEADINESS, _CHANNELS), nn.GELU())
        self.to_joints = nn.Linear(_CHANNELS, 2 * len(BODY))
        # From nothing, so that weights which never asked are a start.
        nn.init.zeros_(self.to_joints.weight)
        nn.init.zeros_(self.to_joints.bias)

    def forward(
        self, steadiness: Float[Tensor, "B F"]
    ) -> tuple[Float[Tensor, "B J"], Float[Tensor, "B J"]]:
        trust, log_sigma = self.to_joints(self.layers(steadiness)).chunk(2, dim=-1)
        return trust, log_sigma

    @torch.no_grad()
    def scale_doubt(self, gain: Float[Tensor, "J"]) -> None:
        """Multiply what is added to the logarithm of each joint's sigma."""
        self.to_joints.weight[len(BODY) :] *= gain[:, None]
        self.to_joints.bias[len(BODY) :] *= gain


def _ones_at(keypoints: list[int]) -> Float[Tensor, "P"]:
    ones = torch.zeros(len(KEYPOINT_NAMES))
    ones[keypoints] = 1
    return ones


def _log_bends(
    view: CentredView, frames: FrameNeighbours
) -> tuple[Float[Tensor, "B T P"], Float[Tensor, "B T P"]]:
    """Logarithm of each keypoint's bend, and 1 where it is known in all three frames."""
    points = view.points.flatten(0, 1)  # (N, P, 2)
    known = (view.confidence > 0).to(points.dtype).flatten(0, 1)
    after, before = (points.index_select(0, source) for source in frames.source)
    gap_after, gap_before = frames.gap_s.to(points.dtype)
    share = gap_before / (gap_before + gap_after).clamp(min=1e-6)
    bend = 2 * (points - torch.lerp(before, after, share[:, None, None])).norm(dim=-1)
    in_both = [
        known.index_select(0, source) * side[:, None]
        for source, side in zip(frames.source, frames.known, strict=True)
    ]
    bent = known * in_both[0] * in_both[1]
    log_bend = bend.clamp(min=_STILLEST).log() - _MIDDLE_LOG
    return log_bend.view_as(view.confidence), bent.view_as(view.confidence)


def _mean(
    values: Float[Tensor, "B T K"], counted: Float[Tensor, "B T K"]
) -> tuple[Float[Tensor, "B"], Float[Tensor, "B"]]:
    """Over what counts, and 1 where anything does."""
    number = counted.sum((1, 2))
    return (values * counted).sum((1, 2)) / number.clamp(min=1), (number > 0).to(values.dtype)
