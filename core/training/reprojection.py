"""How far a lifted body lies from the 2D it was lifted from, once it stands where it fits best.

Notation:
    B: windows, T: frames, K: keypoints that are joints as well
"""

import torch
from jaxtyping import Float
from torch import Tensor

from core.skeleton import BODY, KEYPOINT_NAMES

_LIMBS = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
_SHARED = [f"{side}_{part}" for side in ("left", "right") for part in _LIMBS]
_JOINTS = [BODY.index(name) for name in _SHARED]
_KEYPOINTS = [KEYPOINT_NAMES.index(name) for name in _SHARED]
_FEWEST = 3
_LEAST_SPREAD = 1e-8
"""Of rays, squared: keeps the depth finite of a person whose keypoints all lie on one ray."""


def reprojection_m(
    joints_m: Float[Tensor, "B T 28 3"],
    rays: Float[Tensor, "B T 33 2"],
    confidence: Float[Tensor, "B T 33"],
) -> Float[Tensor, "B T"]:
    """Mean distance between joints and the rays of their keypoints, metres at the person's depth.

    Where the person stands is not lifted, so it is solved for: the root ``t`` that makes
    ``x + t_x = u (z + t_z)`` and ``y + t_y = v (z + t_z)`` hold best over the twelve limb joints,
    by least squares weighted with confidence. Gradients flow through the solution. Frames with
    fewer than three known limb joints are 0.

    Args:
        joints_m: root-relative, camera frame.
        rays: where the keypoints were seen; anything where confidence is 0.
        confidence: 0 where unknown.
    """
    seen = rays[..., _KEYPOINTS, :]
    weight = torch.where(torch.isfinite(seen).all(-1), confidence[..., _KEYPOINTS], 0)
    seen = torch.where((weight > 0)[..., None], seen, 0)
    enough = (weight > 0).sum(-1) >= _FEWEST
    weight = weight / weight.sum(-1, keepdim=True).clamp(min=1e-6)
    body = joints_m[..., _JOINTS, :]
    # Rows of (1, 0, -u) t = u z - x and (0, 1, -v) t = v z - y, with t's axes last.
    wanted = seen * body[..., 2:] - body[..., :2]  # (B, T, K, 2)
    root = _best_root(seen, wanted, weight)
    apart = root[..., None, :2] - seen * root[..., None, 2:] - wanted
    distance = apart.square().sum(-1).clamp(min=1e-10).sqrt()
    return torch.where(enough, (distance * weight).sum(-1), 0)


def _best_root(
    seen: Float[Tensor, "B T K 2"], wanted: Float[Tensor, "B T K 2"], weight: Float[Tensor, "B T K"]
) -> Float[Tensor, "B T 3"]:
    """Given a depth, the two other axes are means; what is left is one equation for the depth."""
    weight = weight[..., None]
    mean_seen = (seen * weight).sum(-2, keepdim=True)
    mean_wanted = (wanted * weight).sum(-2, keepdim=True)
    # Centred first: depth comes from small differences between rays.
    spread = ((seen - mean_seen).square() * weight).sum((-1, -2))
    lever = ((seen - mean_seen) * (wanted - mean_wanted) * weight).sum((-1, -2))
    depth = -lever / (spread + _LEAST_SPREAD)
    sideways = mean_wanted[..., 0, :] + mean_seen[..., 0, :] * depth[..., None]
    return torch.cat([sideways, depth[..., None]], -1)
