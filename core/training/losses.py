"""What the lifter is punished for.

Notation:
    B: windows, T: frames, J: joints
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from core.models import LiftedPose
from core.skeleton import BODY
from core.training.sampler import Batch

_CHILD, _PARENT = torch.from_numpy(BODY.bones.T.copy())
MEAN_LENGTH = 1.596
"""Mean length of a 3D normal vector of unit variance per axis: what ``sigma_m`` is scaled by."""


@dataclass(frozen=True)
class LossWeights:
    """Weights of the parts; the position error has weight 1.

    Attributes:
        shape: position error after the best scale, since nobody can see how tall somebody is.
        bone: difference of bone lengths.
        velocity: difference of displacements between neighbouring frames.
        likelihood: negative log likelihood of the scale of doubt.
    """

    shape: float = 1.0
    bone: float = 0.01
    velocity: float = 0.5
    likelihood: float = 0.01


def lifting_loss(pose: LiftedPose, batch: Batch, weights: LossWeights) -> Float[Tensor, ""]:
    """Mean loss over present frames."""
    present = batch.present
    truth = batch.joints_m
    distance = (pose.joints_m - truth).norm(dim=-1)  # (B, T, J)
    loss = _over(distance.mean(-1), present)
    loss = loss + weights.shape * _over(_scaled_distance(pose.joints_m, truth), present)
    bones = [(joints[..., _CHILD, :] - joints[..., _PARENT, :]).norm(dim=-1)
             for joints in (pose.joints_m, truth)]  # fmt: skip
    loss = loss + weights.bone * _over((bones[0] - bones[1]).abs().sum(-1), present)
    nll = negative_log_likelihood(distance.detach(), pose.sigma_m)
    loss = loss + weights.likelihood * _over(nll.mean(-1), present)
    if truth.shape[1] > 1:
        moved = pose.joints_m.diff(dim=1) - truth.diff(dim=1)
        both = present[:, 1:] & present[:, :-1]
        loss = loss + weights.velocity * _over(moved.norm(dim=-1).mean(-1), both)
    return loss


def negative_log_likelihood(
    distance_m: Float[Tensor, "*batch"], sigma_m: Float[Tensor, "*batch"]
) -> Float[Tensor, "*batch"]:
    """Of an error of this length under an isotropic 3D Laplace law, up to a constant.

    The density falls as ``exp(-r / b) / b**3``, whose mean length is ``3 b``; ``b`` is scaled so
    that ``sigma_m`` reads like a standard deviation per axis.
    """
    scale = sigma_m * (MEAN_LENGTH / 3)
    return distance_m / scale + 3 * scale.log()


def _scaled_distance(joints: Tensor, truth: Tensor) -> Float[Tensor, "B T"]:
    dot = (joints * truth).sum((-1, -2))
    scale = dot / joints.square().sum((-1, -2)).clamp(min=1e-6)
    scale = scale.clamp(0.5, 2.0).detach()[..., None, None]
    return (joints * scale - truth).norm(dim=-1).mean(-1)


def _over(values: Float[Tensor, "B T"], present: Bool[Tensor, "B T"]) -> Tensor:
    return (values * present).sum() / present.sum().clamp(min=1)
