"""Keypoints that look enough like people to exercise the lifter."""

from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from core.models import GraphWeights, Lifter, LifterConfig, Neighbour, Topology


class Inputs(NamedTuple):
    rays: Tensor
    confidence: Tensor
    time_s: Tensor


TINY = LifterConfig(
    joint_channels=8,
    encoder_blocks=1,
    decoder_blocks=1,
    token_channels=32,
    temporal_layers=2,
    heads=2,
)


HINTED = replace(TINY, reads_hint=True)

AS_PACKAGED = replace(HINTED, foreshortening=True, lines_of_sight=True, steadiness=True)

IN_SPACE_AND_TIME = tuple(Neighbour)
FAMILIES = {
    "shared": replace(TINY, graph_weights=GraphWeights.SHARED),
    "per kind": replace(TINY, graph_weights=GraphWeights.PER_KIND),
    "per joint": TINY,
    "per edge": replace(TINY, graph_weights=GraphWeights.PER_EDGE),
    "parts": replace(TINY, part_pooling=True),
    "as packaged": AS_PACKAGED,
    "with circumstances": replace(AS_PACKAGED, circumstances=True),
    "learned strengths": replace(TINY, topology=Topology.MASKED_LEARNABLE),
    "dense": replace(
        TINY, topology=Topology.DENSE, graph_weights=GraphWeights.PER_KIND, part_pooling=True
    ),
    "shared over time": replace(
        TINY, graph_weights=GraphWeights.SHARED, neighbours=IN_SPACE_AND_TIME
    ),
    "per kind over time": replace(
        TINY,
        graph_weights=GraphWeights.PER_KIND,
        neighbours=(Neighbour.SELF, Neighbour.OUTWARD, Neighbour.BACKWARD),
        topology=Topology.MASKED_LEARNABLE,
    ),
    "per joint over time": replace(TINY, neighbours=IN_SPACE_AND_TIME, temporal_layers=0),
    "per edge over time": replace(
        TINY,
        graph_weights=GraphWeights.PER_EDGE,
        neighbours=IN_SPACE_AND_TIME,
        topology=Topology.MASKED_LEARNABLE,
        part_pooling=True,
    ),
}
"""One lifter of each kind that a config can name, by what is special about it."""


_FROM_NOTHING = (
    "time_weight", "to_joints.weight", "shortening.weight", "from_circumstances.weight",
)  # fmt: skip


def make_lifter(config: LifterConfig = TINY, seed: int = 0) -> Lifter:
    torch.manual_seed(seed)
    lifter = Lifter(config).eval()
    with torch.no_grad():  # a louder head than at the start of training, so differences show
        lifter.head_weight.normal_(0, 0.3)
        if lifter.embed_hint is not None:
            lifter.embed_hint.weight.normal_(0, 0.3)
        for name, parameter in lifter.named_parameters():  # what starts from nothing
            if name.endswith(
                (
                    "time_weight",
                    "to_joints.weight",
                    "shortening.weight",
                    "from_circumstances.weight",
                )
            ):
                parameter.normal_(0, 0.1)
            if name.endswith("strength"):
                parameter.add_(torch.randn_like(parameter) * 0.1)
    return lifter


def make_hint(batch: int, frames: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, frames, 33, 3, generator=generator) * 0.4


def make_inputs(batch: int, frames: int, seed: int = 0) -> Inputs:
    generator = torch.Generator().manual_seed(seed)
    where = torch.randn(batch, 1, 1, 2, generator=generator) * 0.2
    shape = torch.randn(batch, 1, 33, 2, generator=generator) * 0.15
    wobble = torch.randn(batch, frames, 33, 2, generator=generator) * 0.02
    confidence = torch.rand(batch, frames, 33, generator=generator) * 0.9 + 0.1
    time_s = torch.rand(batch, frames, generator=generator).cumsum(1) / 15
    return Inputs(where + shape + wobble, confidence, time_s)
