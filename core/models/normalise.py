"""From raw rays to what the network likes to see, and back: a camera that looks at the person.

A virtual camera at the same place turns (pan, then tilt) until the person's trunk is on its axis,
frame by frame; this takes away the skew of people standing off-centre. The picture is then scaled
so that the person has the same size in every window. What this throws away comes back as placement.

Notation:
    B: windows, T: frames, P: the 33 keypoints
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from core.skeleton import KEYPOINT_NAMES

PLACEMENT = 6
"""Numbers per frame in :attr:`CentredView.placement`."""

_NEAREST_Z = 0.2
"""Rays more than 79 degrees off the virtual axis are pulled in: they are detector noise."""
_FARTHEST = 8.0
"""Normalised coordinates beyond this many person sizes are noise as well."""


class CentredView(NamedTuple):
    """Keypoints as the virtual camera sees them.

    Attributes:
        points: ``(B, T, P, 2)`` normalised coordinates; 0 where unknown.
        confidence: ``(B, T, P)``; 0 where unknown.
        placement: ``(B, T, 6)`` direction of the person, size, size change, share of known points.
        log_size: ``(B, 1)`` logarithm of what ``points`` were divided by, the same all window long.
        rotation: ``(B, T, 3, 3)`` takes camera coordinates to the virtual camera's.
        present: ``(B, T)`` true where anything is known.
    """

    points: Float[Tensor, "B T P 2"]
    confidence: Float[Tensor, "B T P"]
    placement: Float[Tensor, "B T 6"]
    log_size: Float[Tensor, "B 1"]
    rotation: Float[Tensor, "B T 3 3"]
    present: Bool[Tensor, "B T"]


def centre_weights() -> Float[Tensor, "P"]:
    """How much each keypoint counts as "where the person is": mostly hips and shoulders."""
    weights = torch.full((len(KEYPOINT_NAMES),), 0.02)
    for name in ("left_hip", "right_hip"):
        weights[KEYPOINT_NAMES.index(name)] = 1.0
    for name in ("left_shoulder", "right_shoulder"):
        weights[KEYPOINT_NAMES.index(name)] = 0.5
    return weights


def size_weights() -> Float[Tensor, "P"]:
    """How much each keypoint counts for size: eleven points of a face should not outvote a leg."""
    weights = torch.ones(len(KEYPOINT_NAMES))
    weights[:11] = 1 / 11
    weights[17:23] = 1 / 6
    weights[29:33] = 1 / 4
    return weights


def look_at(ray: Float[Tensor, "B T 2"]) -> Float[Tensor, "B T 3 3"]:
    """Rotation by pan then tilt that brings a ray onto the optical axis without rolling."""
    x, y = ray.unbind(-1)
    flat = torch.sqrt(1 + x * x)
    far = torch.sqrt(1 + x * x + y * y)
    sin_pan, cos_pan = x / flat, 1 / flat
    sin_tilt, cos_tilt = y / far, flat / far
    zero = torch.zeros_like(x)
    rows = (
        torch.stack([cos_pan, zero, -sin_pan], -1),
        torch.stack([-sin_tilt * sin_pan, cos_tilt, -sin_tilt * cos_pan], -1),
        torch.stack([cos_tilt * sin_pan, sin_tilt, cos_tilt * cos_pan], -1),
    )
    return torch.stack(rows, -2)


def _mean(values: Tensor, weights: Tensor, dim: int) -> Tensor:
    return (values * weights).sum(dim) / weights.sum(dim).clamp(min=1e-6)


def centred_view(
    rays: Float[Tensor, "B T P 2"],
    confidence: Float[Tensor, "B T P"],
    centre: Float[Tensor, "P"],
    size: Float[Tensor, "P"],
) -> CentredView:
    """Turn the camera to the person and scale the picture.

    Args:
        rays: as in :class:`core.models.lifter.Lifter`; anything where confidence is 0.
        confidence: 0 where unknown.
        centre: of :func:`centre_weights`.
        size: of :func:`size_weights`.
    """
    known = (confidence > 0) & torch.isfinite(rays).all(-1)
    confidence = torch.where(known, confidence, 0)
    rays = torch.where(known[..., None], rays, 0)
    present = known.any(-1)

    # A floor under the weights keeps a person of many unsure points where they are.
    trust = confidence + 0.01 * known
    middle = _mean(rays, (trust * centre)[..., None], dim=-2)  # (B, T, 2)
    rotation = look_at(middle)
    directions = torch.cat([rays, torch.ones_like(rays[..., :1])], -1) @ rotation.mT
    turned = directions[..., :2] / directions[..., 2:].clamp(min=_NEAREST_Z)
    turned = torch.where(known[..., None], turned, 0)

    frame_size = _mean(turned.norm(dim=-1), trust * size, dim=-1)
    log_size = torch.log(frame_size.clamp(min=1e-4))  # (B, T)
    window_size = _mean(log_size, present.to(rays.dtype), dim=-1)[:, None]  # (B, 1)
    points = (turned / window_size.exp()[..., None, None]).clamp(-_FARTHEST, _FARTHEST)
    placement = torch.stack(
        [
            middle[..., 0],
            middle[..., 1],
            (window_size + 1.5).expand_as(log_size),
            log_size - window_size,
            confidence.mean(-1),
            known.to(rays.dtype).mean(-1),
        ],
        dim=-1,
    )
    placement = torch.where(present[..., None], placement.clamp(-4, 4), 0)
    return CentredView(points, confidence, placement, window_size, rotation, present)
