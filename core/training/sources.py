"""Where training windows come from: one small protocol, and captured motion as its first case."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch

from core.training.dice import Dice
from core.training.motion import MotionLibrary
from core.training.sampler import Batch, Difficulty, draw_batch


@runtime_checkable
class BatchSource(Protocol):
    """Gives a batch for every step of a run.

    A batch depends on nothing but the state of the dice and the number of the step, so that a run
    that was cut off goes on with the batches it would have had.
    """

    @property
    def steps_per_epoch(self) -> int | None:
        """Steps in which every window was drawn once; None where windows never repeat."""
        ...

    def draw(self, dice: Dice, step: int) -> Batch:
        """The batch of one step, on the CPU."""
        ...


@dataclass(frozen=True)
class WindowMix:
    """Which window lengths a batch may have, and how often.

    Attributes:
        shares: how often each length in frames is drawn; need not add up to 1.
        frames_per_step: windows times frames of every batch.
    """

    shares: Mapping[int, float]
    frames_per_step: int

    def draw_length(self, dice: Dice) -> int:
        """Frames of every window of a batch."""
        shares = torch.tensor(list(self.shares.values()), dtype=torch.float32)
        return list(self.shares)[int(dice.pick(shares, 1))]

    def windows(self, frames: int) -> int:
        """How many windows of this length make a batch."""
        return max(1, self.frames_per_step // frames)


@dataclass(frozen=True, eq=False)
class MotionSource:
    """Motion, bodies, cameras and a detector, drawn anew for every step."""

    library: MotionLibrary
    difficulty: Difficulty
    mix: WindowMix
    steps_per_epoch: int | None = None

    def draw(self, dice: Dice, step: int) -> Batch:
        frames = self.mix.draw_length(dice)
        return draw_batch(self.library, dice, self.mix.windows(frames), frames, self.difficulty)
