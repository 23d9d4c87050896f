"""What the lifter is punished for: named terms, each with its own weight.

Every term is a sum over frames divided by how many frames count. The divisor may be that of a
larger batch, so that the losses of its parts add up to the loss of the whole, and with them their
gradients.

Notation:
    B: windows, T: frames, J: joints
"""

import math
from dataclasses import dataclass, fields
from typing import NamedTuple, Self

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from core.errors import ConfigInvalid
from core.models import LiftedPose
from core.skeleton import BODY
from core.training.reprojection import reprojection_m
from core.training.sampler import Batch

_CHILD, _PARENT = torch.from_numpy(BODY.bones.T.copy())
_LEFT_BONES = [
    bone for bone, child in enumerate(_CHILD.tolist()) if BODY.names[child].startswith("left_")
]
_RIGHT_BONES = [
    _CHILD.tolist().index(int(BODY.mirror[child])) for child in _CHILD[_LEFT_BONES].tolist()
]
MEAN_LENGTH = 1.596
"""Mean length of a 3D normal vector of unit variance per axis: what ``sigma_m`` is scaled by."""


@dataclass(frozen=True)
class LossWeights:
    """Weights of the terms, all in metres but the likelihood; 0 leaves a term out.

    Attributes:
        position: distance from the true joint (MPJPE).
        shape: position error after the best scale, since nobody can see how tall somebody is.
        bone: difference of bone lengths, summed over bones.
        symmetry: difference between the lengths of left and right bones, mean over pairs; needs no
            truth.
        velocity: difference of displacements between neighbouring frames.
        reprojection: distance from the 2D that was seen, at the person's depth; needs no truth.
        likelihood: negative log likelihood of the scale of doubt.
    """

    position: float = 1.0
    shape: float = 1.0
    bone: float = 0.01
    symmetry: float = 0.0
    velocity: float = 0.5
    reprojection: float = 0.0
    likelihood: float = 0.01

    def __post_init__(self) -> None:
        values = [getattr(self, field.name) for field in fields(self)]
        if not all(0 <= value < math.inf for value in values) or not any(values):
            raise ConfigInvalid("The loss fields must be 0 or more, and one of them greater.")


class Divisors(NamedTuple):
    """How many frames, and pairs of neighbouring frames, a mean is over."""

    frames: Float[Tensor, ""]
    neighbours: Float[Tensor, ""]

    @classmethod
    def of(cls, present: Bool[Tensor, "B T"]) -> Self:
        frames = present.sum().clamp(min=1).float()
        return cls(frames, _both(present).sum().clamp(min=1).float())


def lifting_loss(
    pose: LiftedPose, batch: Batch, weights: LossWeights, divisors: Divisors | None = None
) -> Float[Tensor, ""]:
    """Weighted sum of :func:`loss_terms`."""
    return weighted_sum(loss_terms(pose, batch, weights, divisors), weights)


def weighted_sum(terms: dict[str, Float[Tensor, ""]], weights: LossWeights) -> Float[Tensor, ""]:
    """What the weights make of terms by name."""
    return torch.stack([getattr(weights, name) * term for name, term in terms.items()]).sum()


def loss_terms(
    pose: LiftedPose, batch: Batch, weights: LossWeights, divisors: Divisors | None = None
) -> dict[str, Float[Tensor, ""]]:
    """Every term that has a weight, before it is weighted.

    Args:
        pose: what the lifter said; taken to float32 first.
        batch: the truth.
        weights: terms of weight 0 are not computed.
        divisors: of the batch that this one is a part of; its own by default.
    """
    pose = LiftedPose(pose.joints_m.float(), pose.sigma_m.float())
    divisors = divisors or Divisors.of(batch.present)
    wanted = [field.name for field in fields(weights) if getattr(weights, field.name)]
    return {name: _TERMS[name](pose, batch, divisors) for name in wanted}


def negative_log_likelihood(
    distance_m: Float[Tensor, "*batch"], sigma_m: Float[Tensor, "*batch"]
) -> Float[Tensor, "*batch"]:
    """Of an error of this length under an isotropic 3D Laplace law, up to a constant.

    The density falls as ``exp(-r / b) / b**3``, whose mean length is ``3 b``; ``b`` is scaled so
    that ``sigma_m`` reads like a standard deviation per axis.
    """
    scale = sigma_m * (MEAN_LENGTH / 3)
    return distance_m / scale + 3 * scale.log()


def _position(pose: LiftedPose, batch: Batch, divisors: Divisors) -> Tensor:
    return _over(_distance(pose, batch).mean(-1), batch.present, divisors.frames)


def _shape(pose: LiftedPose, batch: Batch, divisors: Divisors) -> Tensor:
    joints, truth = pose.joints_m, batch.joints_m
    dot = (joints * truth).sum((-1, -2))
    scale = dot / joints.square().sum((-1, -2)).clamp(min=1e-6)
    scale = scale.clamp(0.5, 2.0).detach()[..., None, None]
    distance = (joints * scale - truth).norm(dim=-1).mean(-1)
    return _over(distance, batch.present, divisors.frames)


def _bone(pose: LiftedPose, batch: Batch, divisors: Divisors) -> Tensor:
    apart = (_bone_lengths(pose.joints_m) - _bone_lengths(batch.joints_m)).abs()
    return _over(apart.sum(-1), batch.present, divisors.frames)


def _symmetry(pose: LiftedPose, batch: Batch, divisors: Divisors) -> Tensor:
    lengths = _bone_lengths(pose.joints_m)
    apart = (lengths[..., _LEFT_BONES] - lengths[..., _RIGHT_BONES]).abs()
    return _over(apart.mean(-1), batch.present, divisors.frames)


def _velocity(pose: LiftedPose, batch: Batch, divisors: Divisors) -> Tensor:
    moved = pose.joints_m.diff(dim=1) - batch.joints_m.diff(dim=1)
    return _over(moved.norm(dim=-1).mean(-1), _both(batch.present), divisors.neighbours)


def _reprojection(pose: LiftedPose, batch: Batch, divisors: Divisors) -> Tensor:
    apart = reprojection_m(pose.joints_m, batch.rays, batch.confidence)
    return _over(apart, batch.present, divisors.frames)


def _likelihood(pose: LiftedPose, batch: Batch, divisors: Divisors) -> Tensor:
    # Doubt follows the error; the error must not follow doubt.
    nll = negative_log_likelihood(_distance(pose, batch).detach(), pose.sigma_m)
    return _over(nll.mean(-1), batch.present, divisors.frames)


_TERMS = {
    "position": _position,
    "shape": _shape,
    "bone": _bone,
    "symmetry": _symmetry,
    "velocity": _velocity,
    "reprojection": _reprojection,
    "likelihood": _likelihood,
}


def _distance(pose: LiftedPose, batch: Batch) -> Float[Tensor, "B T J"]:
    return (pose.joints_m - batch.joints_m).norm(dim=-1)


def _bone_lengths(joints_m: Float[Tensor, "B T J 3"]) -> Float[Tensor, "B T bones"]:
    return (joints_m[..., _CHILD, :] - joints_m[..., _PARENT, :]).norm(dim=-1)


def _both(present: Tensor) -> Tensor:
    return present[:, 1:] & present[:, :-1]


def _over(values: Tensor, counted: Tensor, divisor: Tensor) -> Tensor:
    return (values * counted).sum() / divisor
