"""Where a keypoint was seen, its joint must lie on that line of sight; only how far is unknown.

A network that must squeeze every coordinate through its layers loses some of what the picture
says plainly. So each joint's sideways place is offered a second time, computed from keypoint and
depth, and the network says joint by joint how far it trusts that.

Notation:
    B: windows, T: frames, P: keypoints, J: joints, N: B * T, C: channels (of joints, tokens)
"""

from functools import cache

import torch
from jaxtyping import Float
from torch import Tensor, nn

from core.models.normalise import CentredView
from core.skeleton import BODY, KEYPOINT_NAMES

_USUAL_SIZE_M = 0.41
"""Mean distance of keypoints from the trunk's middle, sideways."""

_HIPS = {"left_hip": 0.5, "right_hip": 0.5}
_SHOULDERS = {"left_shoulder": 0.5, "right_shoulder": 0.5}
_EARS = {"left_ear": 0.5, "right_ear": 0.5}


def _mix(*parts: tuple[float, dict[str, float]]) -> dict[str, float]:
    return {name: share * weight for share, names in parts for name, weight in names.items()}


def _sided(side: str, other: str) -> dict[str, dict[str, float]]:
    return {
        f"{side}_clavicle": {f"{side}_shoulder": 0.625, f"{other}_shoulder": 0.375},
        f"{side}_shoulder": {f"{side}_shoulder": 1.0},
        f"{side}_elbow": {f"{side}_elbow": 1.0},
        f"{side}_wrist": {f"{side}_wrist": 0.96, f"{side}_elbow": 0.04},
        f"{side}_hand": {f"{side}_index": 0.5, f"{side}_pinky": 0.5},
        f"{side}_hip": {f"{side}_hip": 0.95, f"{other}_hip": 0.05},
        f"{side}_knee": {f"{side}_knee": 1.0},
        f"{side}_ankle": {f"{side}_ankle": 1.0},
        f"{side}_foot": {
            f"{side}_ankle": 0.13, f"{side}_foot_index": 0.76, f"{side}_heel": 0.11,
        },
        f"{side}_toe": {f"{side}_foot_index": 1.09, f"{side}_heel": -0.09},
    }  # fmt: skip


# Least squares over the training motion; the rest, up to 2 cm along the spine, is the network's.
_PLACES: dict[str, dict[str, float]] = {
    "pelvis": _HIPS,
    "spine": _mix((0.49, _HIPS), (0.51, _SHOULDERS)),
    "spine2": _mix((0.34, _HIPS), (0.66, _SHOULDERS)),
    "spine3": _mix((0.20, _HIPS), (0.80, _SHOULDERS)),
    "spine4": _mix((0.05, _HIPS), (0.95, _SHOULDERS)),
    "neck": _mix((0.76, _SHOULDERS), (0.24, _EARS)),
    "head": _mix((0.38, _SHOULDERS), (0.62, _EARS)),
    "head_top": _mix((-0.53, _SHOULDERS), (1.53, _EARS)),
    **_sided("left", "right"),
    **_sided("right", "left"),
}


@cache
def joint_places() -> Float[Tensor, "J P"]:
    """Each joint as a mean of keypoints; rows sum to 1, so they hold in 2D and in 3D."""
    table = torch.zeros(len(BODY), len(KEYPOINT_NAMES))
    for joint, sources in _PLACES.items():
        for keypoint, weight in sources.items():
            table[BODY.index(joint), KEYPOINT_NAMES.index(keypoint)] = weight
    return table


class LinesOfSight(nn.Module):
    r"""Moves joints sideways towards the lines of sight of their keypoints.

    With the pelvis at depth :math:`Z`, a joint :math:`z` behind it and its keypoint at :math:`q`
    in the plane z = 1, the joint lies :math:`q (Z + z) - q_{pelvis} Z` beside the pelvis.
    :math:`Z` is read off each frame's token, as the size that the picture's must have in metres.

    Args:
        joint_channels: features of a joint.
        token_channels: features of a frame.

    Shape:
        joints ``(B, T, J, 3)`` in the virtual camera's frame, features ``(J, N, C)``, tokens
        ``(B, T, C)``, more_trust ``(B, J)`` logits; output as joints.
    """

    places: Tensor
    used: Tensor

    def __init__(self, joint_channels: int, token_channels: int) -> None:
        super().__init__()
        self.register_buffer("places", joint_places().clone(), persistent=False)
        self.register_buffer("used", (joint_places() != 0).float(), persistent=False)
        self.scale = nn.Linear(token_channels, 2)
        nn.init.zeros_(self.scale.weight)
        with torch.no_grad():
            self.scale.bias.copy_(torch.tensor([_USUAL_SIZE_M, 1.0]).log())
        self.trust_weight = nn.Parameter(torch.zeros(len(BODY), joint_channels, 1))
        self.trust_bias = nn.Parameter(torch.full((len(BODY), 1, 1), 1.0))

    def forward(
        self,
        joints: Float[Tensor, "B T J 3"],
        features: Float[Tensor, "J N C_joint"],
        tokens: Float[Tensor, "B T C_token"],
        view: CentredView,
        more_trust: Float[Tensor, "B J"] | None = None,
    ) -> Float[Tensor, "B T J 3"]:
        sideways, depth = joints[..., :2], joints[..., 2:]
        lines = self.places @ view.points  # (B, T, J, 2)
        size_m, skew = self.scale(tokens).clamp(-3, 3).exp().unsqueeze(-2).split(1, dim=-1)
        # Points were scaled to unit size: `size_m` is Z times the size before, `nearer` undoes it.
        nearer = view.log_size[..., None, None].exp() * skew
        offered = lines * (size_m + nearer * depth) - lines[..., BODY.root, None, :] * size_m
        trust = torch.baddbmm(self.trust_bias, features, self.trust_weight)
        trust = trust.transpose(0, 1).reshape(*joints.shape[:3], 1)
        if more_trust is not None:
            trust = trust + more_trust[:, None, :, None]
        trust = trust.sigmoid() * self._known(view)
        # Under autocast the head's answer has fewer bits than the lines' arithmetic.
        sideways, depth = sideways.to(offered.dtype), depth.to(offered.dtype)
        return torch.cat([torch.lerp(sideways, offered, trust), depth], dim=-1)

    def _known(self, view: CentredView) -> Float[Tensor, "B T J 1"]:
        """1 where all keypoints of a joint, and of the pelvis, are known."""
        missing = (view.confidence <= 0).to(self.used.dtype) @ self.used.mT
        known = (missing < 0.5).to(self.used.dtype)
        return (known * known[..., BODY.root, None])[..., None]
