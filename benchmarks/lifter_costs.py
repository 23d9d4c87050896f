"""What a lifter costs: parameters, multiply-adds, memory of a training step."""

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from core.lifting.memory_cost import LiveTensorBytes
from core.models import Lifter
from core.training.losses import LossWeights, lifting_loss
from core.training.sampler import Batch

FRAMES = 27
"""Of the windows that are trained on and counted."""


def counts(model: Lifter) -> dict[str, float | int | str]:
    """Thousands of parameters, and of multiply-adds per frame when lifting."""
    return {
        "parameters_k": round(sum(each.numel() for each in model.parameters()) / 1e3),
        "madds_k": round(multiply_adds_per_frame(model) / 1e3),
    }


@torch.inference_mode()
def multiply_adds_per_frame(model: Lifter, frames: int = FRAMES) -> float:
    """All products of matrices for one window, over its frames.

    Zeros of a sparse graph that a dense product multiplies all the same are counted; additions,
    normalisation and activations are not.
    """
    model.eval()
    counter = FlopCounterMode(display=False)
    # The fused attention of a CPU is one operation that the counter does not know.
    with sdpa_kernel(SDPBackend.MATH), counter:
        model(torch.zeros(1, frames, 33, 2), torch.ones(1, frames, 33), torch.zeros(1, frames))
    return counter.get_total_flops() / 2 / frames


def peak_training_bytes(model: Lifter, batch: Batch) -> int:
    """Of live tensors during one step, gradients included, weights and batch not."""
    model.train()
    model.zero_grad()
    with LiveTensorBytes() as live:
        training_loss(model, batch).backward()
    model.zero_grad()
    return live.peak_bytes


def training_loss(model: Lifter, batch: Batch) -> torch.Tensor:
    """With the weights that training uses by default."""
    return lifting_loss(model(batch.rays, batch.confidence, batch.time_s), batch, LossWeights())
