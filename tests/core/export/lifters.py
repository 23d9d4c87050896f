"""Small lifters of every kind that can be exported."""

import dataclasses

import torch

from core.checkpoints import LoadedLifter
from core.models.graph_form import GraphWeights, Neighbour, Topology
from tests.core.models.inputs import AS_PACKAGED, TINY, make_lifter

CONFIGS = {
    "per joint, reads hints": dataclasses.replace(TINY, reads_hint=True),
    "as packaged": AS_PACKAGED,
    "with circumstances": dataclasses.replace(AS_PACKAGED, circumstances=True),
    "per kind, over time, parts, learned edges": dataclasses.replace(
        TINY,
        graph_weights=GraphWeights.PER_KIND,
        neighbours=tuple(Neighbour),
        topology=Topology.MASKED_LEARNABLE,
        part_pooling=True,
    ),
    "shared, dense, frame by frame": dataclasses.replace(
        TINY,
        graph_weights=GraphWeights.SHARED,
        topology=Topology.DENSE,
        temporal_layers=0,
        reads_hint=True,
        lines_of_sight=True,
    ),
    "per edge": dataclasses.replace(TINY, graph_weights=GraphWeights.PER_EDGE),
}


def tiny(kind: str = "per joint, reads hints") -> LoadedLifter:
    config = CONFIGS[kind]
    model = make_lifter(config)
    for parameter in model.parameters():
        if not parameter.any():  # what starts from nothing could be left out unnoticed
            torch.nn.init.normal_(parameter, std=0.1)
    model.requires_grad_(requires_grad=False)
    return LoadedLifter(model, config, "tiny", "5" * 64)
