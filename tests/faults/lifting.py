"""The real lifter, bound as a worker binds it, for runtimes whose search is made up."""

from functools import partial

import torch

from core.checkpoints import load_lifter
from core.lifting.batching import BatchPlanner
from core.lifting.lift import lift_tracks
from core.models.mirror import MirrorAveraged
from core.pipeline import LiftsTracks

CPU = torch.device("cpu")
WINDOWS = 4


def real_lift(network: torch.nn.Module | None = None) -> LiftsTracks:
    """Lifts with the packaged weights, or with this network in their place."""
    network = packaged() if network is None else network
    return partial(lift_tracks, lifter=network, planner=BatchPlanner(WINDOWS), device=CPU)


def packaged() -> torch.nn.Module:
    torch.set_num_threads(1)
    return MirrorAveraged(load_lifter(None).model)


class Cramped(torch.nn.Module):
    """Runs out of memory at larger batches, as a GPU would."""

    def __init__(self, network: torch.nn.Module, fits: int) -> None:
        super().__init__()
        self._network = network
        self.fits = fits
        self.batches: list[int] = []

    def forward(self, rays, *more):
        self.batches.append(len(rays))
        if len(rays) > self.fits:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return self._network(rays, *more)
