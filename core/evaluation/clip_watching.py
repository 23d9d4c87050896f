"""Dice that tell afterwards which clips they picked."""

from torch import Tensor

from core.training.dice import Dice


class ClipWatchingDice(Dice):
    """Falls like any dice of its seed, and remembers which clips it picked, batch by batch."""

    def __init__(self, seed: int, clip_weights: Tensor) -> None:
        super().__init__(seed)
        self.clips: list[list[int]] = []
        self._clip_weights = clip_weights

    def pick(self, weights: Tensor, count: int) -> Tensor:
        picked = super().pick(weights, count)
        if weights is self._clip_weights:
            self.clips.append(picked.tolist())
        return picked
