"""Cameras anywhere: what a phone, a tripod or a gallery camera could have seen.

Image coordinates here are in units of the longer image side, with the centre as origin.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from core.cameras import ASSUMED_FOCAL
from core.skeleton import BODY
from core.training.dice import Dice

_NEAREST_M = 0.5
_ASPECTS = torch.tensor([[1.0, 0.5625], [0.5625, 1.0], [1.0, 0.75], [1.0, 1.0]])
_ASPECT_WEIGHTS = torch.tensor([0.5, 0.25, 0.15, 0.1])
_PERSON_HEIGHT_M = 1.75


class Viewpoint(NamedTuple):
    """One camera per window.

    Attributes:
        rotation: rows are the camera's right, down and forward in world coordinates (y up).
        root_m: the pelvis in the camera frame, per frame, before the body is added.
        focal: true focal length over the longer image side.
        assumed_focal: what the user's side will assume.
        frame: half width and half height of the image.
    """

    rotation: Float[Tensor, "batch 3 3"]
    root_m: Float[Tensor, "batch frames 3"]
    focal: Float[Tensor, "batch"]
    assumed_focal: Float[Tensor, "batch"]
    frame: Float[Tensor, "batch 2"]


def camera_axes(
    yaw: Float[Tensor, "batch"], pitch: Float[Tensor, "batch"], roll: Float[Tensor, "batch"]
) -> Float[Tensor, "batch 3 3"]:
    """Right, down, forward of a camera in a y-up world; positive pitch looks down. Radians."""
    zero = torch.zeros_like(yaw)
    forward = torch.stack([yaw.sin() * pitch.cos(), -pitch.sin(), yaw.cos() * pitch.cos()], -1)
    right = torch.stack([-yaw.cos(), zero, yaw.sin()], -1)
    down = torch.linalg.cross(forward, right)
    sine, cosine = roll.sin()[:, None], roll.cos()[:, None]
    return torch.stack([cosine * right + sine * down, cosine * down - sine * right, forward], 1)


def draw_viewpoint(
    dice: Dice, positions_m: Float[Tensor, "batch frames 28 3"], told: float
) -> Viewpoint:
    """A camera for each window: all round, from below to steep above, near and far, any lens.

    Args:
        dice: they fall alike whatever is told.
        positions_m: of the person, in a y-up world.
        told: share of the windows whose focal length is known.
    """
    batch, frames = positions_m.shape[:2]
    focal = dice.log_normal((batch,), 0.35, 0.95).clamp(0.5, 2.3)  # 90 to 25 degrees
    known = dice.chance((batch,), told)
    assumed = torch.where(known, focal, torch.full((batch,), ASSUMED_FOCAL))
    frame = _ASPECTS[dice.pick(_ASPECT_WEIGHTS, batch)] / 2
    depth_m, place = _framing(dice, focal, frame)

    usual = dice.normal((batch,), 0.17, 0.14)
    any_height = dice.uniform((batch,), -0.35, 1.05)
    elevation = torch.where(dice.chance((batch,), 0.6), usual, any_height)
    ray = place / focal[:, None]
    pitch = elevation - torch.atan(ray[:, 1])
    roll = dice.normal((batch,), 0.04)
    roll = torch.where(dice.chance((batch,), 0.1), dice.normal((batch,), 0.4), roll)
    axes = camera_axes(dice.uniform((batch,), -torch.pi, torch.pi), pitch, roll)

    root = positions_m[:, :, BODY.root]
    moved = (root - root[:, frames // 2 : frames // 2 + 1]) @ axes.mT
    follow = torch.where(dice.chance((batch,), 0.3), dice.uniform((batch,)), torch.ones(batch))
    start = torch.cat([ray, torch.ones(batch, 1)], -1) * depth_m[:, None]
    root_m = moved * follow[:, None, None] + start[:, None]
    return Viewpoint(axes, _in_front(positions_m, axes, root_m), focal, assumed, frame)


def _framing(dice: Dice, focal: Tensor, frame: Tensor) -> tuple[Tensor, Tensor]:
    """Depth of the person and where in the image; three in four fit into the frame at first."""
    batch = len(focal)
    depth = dice.log_uniform((batch,), 1.5, 12.0)
    height = 2 * frame[:, 1]
    fill = dice.uniform((batch,), 0.35, 1.0) * height
    fits = dice.chance((batch,), 0.75)
    depth = torch.where(fits, torch.maximum(depth, _PERSON_HEIGHT_M * focal / fill), depth)
    place = dice.normal((batch, 2)) * frame * torch.tensor([0.4, 0.25])
    place = torch.maximum(torch.minimum(place, frame), -frame)
    room = (frame[:, 1] - _PERSON_HEIGHT_M * focal / depth / 2).clamp(min=0.02)
    inside = torch.maximum(torch.minimum(place[:, 1], room), -room)
    place[:, 1] = torch.where(fits, inside, place[:, 1])
    return depth, place


def _in_front(positions_m: Tensor, axes: Tensor, root_m: Tensor) -> Tensor:
    """Step back far enough that the whole body stays in front of the lens."""
    body = positions_m - positions_m[:, :, BODY.root : BODY.root + 1]
    depth = (body @ axes[:, None].mT)[..., 2] + root_m[..., 2:]  # (B, T, J)
    lack = (_NEAREST_M - depth.amin((1, 2))).clamp(min=0)
    return root_m + torch.stack([torch.zeros_like(lack), torch.zeros_like(lack), lack], -1)[:, None]


def to_image(
    points_m: Float[Tensor, "batch frames points 3"], focal: Float[Tensor, "batch"]
) -> Float[Tensor, "batch frames points 2"]:
    """Pinhole projection in units of the longer image side."""
    depth = points_m[..., 2:].clamp(min=0.1)
    return points_m[..., :2] / depth * focal[:, None, None, None]
