"""What the landmark network says, decoded: 33 keypoints, and two points for the next crop.

Notation: N crops, L = 39 landmarks (33 of the body, two alignment points, four of the hands that
nobody reads), S = 64 cells of a heat map's side, K = 7 cells of the part that is looked at.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Float32
from torch import Tensor

LANDMARKS = 39
KEYPOINTS = 33
"""Of the body; the next two are the alignment points."""
CROP_SIDE_PX = 256
NUMBERS = 5
"""Of a landmark: x, y, z, visibility, presence."""
REACH = 3
"""Cells of the heat map around a landmark, either way, that can move it."""
SURE = 0.5
"""The heat from which on they do."""


@dataclass(frozen=True, eq=False)
class Landmarks:
    """People as the landmark network saw them in their crops; still on its device.

    Attributes:
        points: of the body, then the two alignment points; in sides of the crop.
        confidence: of the body's; visibility times presence, in [0, 1].
        world_m: of the body's; metres, hip-centred, along the crop's axes.
        presence: whether there is a person in the crop at all, in [0, 1].
    """

    points: Float32[Tensor, "crops 35 2"]
    confidence: Float32[Tensor, "crops 33"]
    world_m: Float32[Tensor, "crops 33 3"]
    presence: Float32[Tensor, "crops"]


def decode_landmarks(
    landmarks: Float[Tensor, "crops 195"],
    presence: Float[Tensor, "crops 1"],
    heat_maps: Float[Tensor, "crops 39 64 64"],
    world: Float[Tensor, "crops 117"],
) -> Landmarks:
    """Decode the network's four outputs.

    Source: ``pose_landmarks_detector_graph.cc`` and ``tensors_to_landmarks_calculator.cc`` of
    MediaPipe.
    """
    numbers = landmarks.float().view(-1, LANDMARKS, NUMBERS)
    visible, present = numbers[:, :KEYPOINTS, 3:].sigmoid().unbind(-1)
    points = refine(numbers[..., :2] / CROP_SIDE_PX, heat_maps)
    return Landmarks(
        points=points[:, : KEYPOINTS + 2],
        confidence=visible * present,
        world_m=world.float().view(-1, LANDMARKS, 3)[:, :KEYPOINTS],
        presence=presence.float()[:, 0],
    )


def refine(
    points: Float32[Tensor, "crops landmarks 2"],
    heat_maps: Float[Tensor, "crops landmarks height width"],
) -> Float32[Tensor, "crops landmarks 2"]:
    """Move each landmark to the heat map's centre of mass around it, where the map is sure.

    Landmarks left, right or above the map stay. Below it they are moved by what the map's last
    rows hold: so does MediaPipe, which compares a row with no limit.

    Args:
        points: in sides of the crop.
        heat_maps: logits.

    Source: ``refine_landmarks_from_heatmap_calculator.cc`` of MediaPipe.
    """
    crops, landmarks, height, width = heat_maps.shape
    size = torch.tensor([width, height], device=points.device)
    centre = (points * size).trunc().long()  # (N, L, 2)
    around = torch.arange(-REACH, REACH + 1, device=points.device)
    columns = centre[..., 0, None, None] + around  # (N, L, 1, K)
    rows = centre[..., 1, None, None] + around[:, None]  # (N, L, K, 1)
    known = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    place = rows.clamp(0, height - 1) * width + columns.clamp(0, width - 1)
    cells = heat_maps.reshape(crops, landmarks, -1).gather(2, place.flatten(2)).float()
    heat = cells.view(place.shape).sigmoid() * known  # (N, L, K, K)
    total = heat.sum((2, 3))
    mean = torch.stack([(heat * columns).sum((2, 3)), (heat * rows).sum((2, 3))], -1)
    refined = mean / total.clamp(min=torch.finfo(torch.float32).tiny)[..., None] / size
    on_map = (centre >= 0).all(-1) & (centre[..., 0] < width)
    moved = on_map & (heat.amax((2, 3)) >= SURE)
    return torch.where(moved[..., None], refined, points)
