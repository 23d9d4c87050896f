"""All randomness of training comes from one seeded generator, through these few throws."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor


class Dice:
    """Random tensors from one CPU generator, whose state can be saved and put back."""

    def __init__(self, seed: int) -> None:
        self.generator = torch.Generator().manual_seed(seed)

    def uniform(self, shape: Sequence[int], low: float = 0.0, high: float = 1.0) -> Tensor:
        return torch.rand(shape, generator=self.generator) * (high - low) + low

    def log_uniform(self, shape: Sequence[int], low: float, high: float) -> Tensor:
        return self.uniform(shape, math.log(low), math.log(high)).exp()

    def normal(self, shape: Sequence[int], sigma: float = 1.0, mean: float = 0.0) -> Tensor:
        return torch.randn(shape, generator=self.generator) * sigma + mean

    def log_normal(self, shape: Sequence[int], sigma: float, median: float = 1.0) -> Tensor:
        return self.normal(shape, sigma).exp() * median

    def chance(self, shape: Sequence[int], probability: float) -> Tensor:
        return torch.rand(shape, generator=self.generator) < probability

    def integers(self, shape: Sequence[int], high: int) -> Tensor:
        return torch.randint(high, shape, generator=self.generator)

    def pick(self, weights: Tensor, count: int) -> Tensor:
        """Indices drawn in proportion to weights, with replacement."""
        return torch.multinomial(weights, count, replacement=True, generator=self.generator)

    def drift(self, time_s: Tensor, memory_s: Tensor, shape: Sequence[int]) -> Tensor:
        """Unit-variance noise that forgets itself over ``memory_s``.

        A discrete Ornstein-Uhlenbeck process at the given times.

        Args:
            time_s: ``(B, T)`` seconds, rising.
            memory_s: ``(B,)`` time constant of each window.
            shape: of what varies, appended to ``(B, T)``.
        """
        batch, frames = time_s.shape
        step = (time_s[:, 1:] - time_s[:, :-1]).clamp(min=0)
        keep = torch.exp(-step / memory_s[:, None])  # (B, T - 1)
        keep = keep.view(batch, frames - 1, *([1] * len(shape)))
        fresh = self.normal((batch, frames, *shape))
        gain = (1 - keep * keep).sqrt()
        values = [fresh[:, 0]]
        for frame in range(1, frames):
            past = keep[:, frame - 1] * values[-1]
            values.append(past + gain[:, frame - 1] * fresh[:, frame])
        return torch.stack(values, dim=1)
