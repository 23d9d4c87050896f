"""Other people doing the same: proportions, mirror images, upper bodies from other clips."""

from functools import cache

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from core.skeleton import BODY
from core.training.dice import Dice

_MIRROR = torch.from_numpy(BODY.mirror)
_PARENTS = torch.tensor(BODY.parents)
_LEFT_HIP, _RIGHT_HIP = BODY.index("left_hip"), BODY.index("right_hip")

# Groups of bones (named by their child) whose lengths vary together.
_GROUPS: dict[str, tuple[str, ...]] = {
    "trunk": ("spine", "spine2", "spine3", "spine4"),
    "neck": ("neck", "head"),
    "skull": ("head_top",),
    "clavicle": ("left_clavicle", "right_clavicle"),
    "shoulder": ("left_shoulder", "right_shoulder"),
    "upper_arm": ("left_elbow", "right_elbow"),
    "forearm": ("left_wrist", "right_wrist"),
    "hand": ("left_hand", "right_hand"),
    "hip": ("left_hip", "right_hip"),
    "thigh": ("left_knee", "right_knee"),
    "shank": ("left_ankle", "right_ankle"),
    "foot": ("left_foot", "right_foot", "left_toe", "right_toe"),
}
# Among captured people of one height: trunks differ by 2.5 %, upper arms and shanks by 4 %, thighs
# by 5 %. Others a little wider, because what a hip or a shoulder is differs between skeletons.
_SPREAD = {
    "trunk": 0.035, "neck": 0.08, "skull": 0.06, "clavicle": 0.08, "shoulder": 0.08,
    "upper_arm": 0.04, "forearm": 0.05, "hand": 0.08, "hip": 0.10, "thigh": 0.045,
    "shank": 0.04, "foot": 0.07,
}  # fmt: skip
_ADULT, _ADULT_SPREAD = 1.015, 0.05
"""The capture's legs are those of people of 1.68 m (a leg is 0.491 of the stature: Winter, 2009);
adults in Europe and North America, men and women together, measure about 1.71 m."""
_UPPER = torch.tensor(
    [
        not any(part in name for part in ("hip", "knee", "ankle", "foot", "toe", "pelvis"))
        for name in BODY.names
    ]
)


@cache
def _paths() -> Tensor:
    """``(J, J)``: row j has ones at the bones between the root and joint j."""
    matrix = np.zeros((len(BODY), len(BODY)), np.float32)
    for joint in range(len(BODY)):
        step = joint
        while step != BODY.root:
            matrix[joint, step] = 1
            step = BODY.parents[step]
    return torch.from_numpy(matrix)


def bones_of(positions_m: Float[Tensor, "*batch 28 3"]) -> Float[Tensor, "*batch 28 3"]:
    """Vector from parent to joint; zero for the root."""
    return positions_m - positions_m[..., _PARENTS, :]


def joints_of(bones_m: Float[Tensor, "*batch 28 3"]) -> Float[Tensor, "*batch 28 3"]:
    """Root-relative joints: the inverse of :func:`bones_of` but for where the root is."""
    return _paths() @ bones_m


def mirrored(positions_m: Float[Tensor, "*batch 28 3"]) -> Float[Tensor, "*batch 28 3"]:
    """The mirror image across the x = 0 plane, with left and right renamed."""
    return positions_m[..., _MIRROR, :] * positions_m.new_tensor([-1.0, 1.0, 1.0])


def heading(bones_m: Float[Tensor, "*batch 28 3"]) -> Float[Tensor, "*batch"]:
    """Yaw of the hip line, radians; 0 when the person faces +z."""
    across = bones_m[..., _LEFT_HIP, :] - bones_m[..., _RIGHT_HIP, :]
    return torch.atan2(-across[..., 2], across[..., 0])


def yawed(
    vectors: Float[Tensor, "batch frames joints 3"], angle: Float[Tensor, "batch frames"]
) -> Float[Tensor, "batch frames joints 3"]:
    """Turn about the vertical axis (y)."""
    sine, cosine = angle.sin()[..., None], angle.cos()[..., None]
    x, y, z = vectors.unbind(-1)
    return torch.stack([cosine * x + sine * z, y, cosine * z - sine * x], -1)


def proportions(
    dice: Dice, retargeted: Bool[Tensor, "batch"]
) -> tuple[Float[Tensor, "batch 28"], Float[Tensor, "batch"]]:
    """Length factor of every bone, and the overall one, for random adults and some children.

    Clips on the stock figure have shoulders of 31 cm, where people have 36: those are widened
    first, and vary more.
    """
    batch = len(retargeted)
    child = dice.chance((batch,), 0.05)
    size = torch.where(
        child, dice.uniform((batch,), 0.66, 0.95), dice.normal((batch,), _ADULT_SPREAD, _ADULT)
    )
    size = size.clamp(0.62, 1.2)
    doubt = torch.where(retargeted, 1.5, 1.0)
    factor = torch.ones(batch, len(BODY))
    for group, names in _GROUPS.items():
        columns = [BODY.index(name) for name in names]
        spread = doubt * _SPREAD[group]
        common = (dice.normal((batch, 1)).clamp(-2.5, 2.5) * spread[:, None]).exp()
        factor[:, columns] = common * dice.log_normal((batch, len(columns)), 0.015)
    widen = torch.where(retargeted, 1.16, 1.0)
    for name in (*_GROUPS["clavicle"], *_GROUPS["shoulder"]):
        factor[:, BODY.index(name)] *= widen
    # Children: large heads, short legs.
    for group, power in (("skull", -0.7), ("neck", -0.3), ("thigh", 0.15), ("shank", 0.15)):
        for name in _GROUPS[group]:
            factor[:, BODY.index(name)] *= torch.where(child, size**power, 1.0)
    return factor * size[:, None], size


def recombine(
    dice: Dice, bones_m: Float[Tensor, "batch frames 28 3"], probability: float
) -> Float[Tensor, "batch frames 28 3"]:
    """Give some windows the upper body of another window in the batch, turned to fit the hips."""
    batch = len(bones_m)
    donor = bones_m.roll(1, 0)
    turned = yawed(donor, heading(bones_m) - heading(donor))
    swap = dice.chance((batch, 1, 1, 1), probability) & _UPPER[:, None]
    return torch.where(swap, turned, bones_m)


def other_people(
    dice: Dice, positions_m: Float[Tensor, "batch frames 28 3"], retargeted: Bool[Tensor, "batch"]
) -> Float[Tensor, "batch frames 28 3"]:
    """Recombine, reshape, mirror and sometimes tilt whole bodies, in world coordinates."""
    root = positions_m[:, :, BODY.root : BODY.root + 1]
    bones = recombine(dice, bones_of(positions_m), 0.25)
    factor, size = proportions(dice, retargeted)
    positions = joints_of(bones * factor[:, None, :, None]) + root * size[:, None, None, None]
    flip = dice.chance((len(positions), 1, 1, 1), 0.5)
    positions = torch.where(flip, mirrored(positions), positions)
    return _tilted(dice, positions, 0.08)


def _tilted(dice: Dice, positions_m: Tensor, probability: float) -> Tensor:
    """Lean some windows about a random level axis: the capture holds hardly any floor work."""
    batch = len(positions_m)
    azimuth = dice.uniform((batch,), -torch.pi, torch.pi)
    angle = dice.normal((batch,), 0.8) * dice.chance((batch,), probability)
    axis = torch.stack([azimuth.cos(), torch.zeros(batch), azimuth.sin()], -1)
    rotation = torch.linalg.matrix_exp(_cross_matrix(axis * angle[:, None]))
    return positions_m @ rotation[:, None].mT


def _cross_matrix(vector: Float[Tensor, "batch 3"]) -> Float[Tensor, "batch 3 3"]:
    x, y, z = vector.unbind(-1)
    zero = torch.zeros_like(x)
    return torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).view(-1, 3, 3)
