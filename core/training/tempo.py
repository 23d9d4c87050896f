"""Windows of motion at any frame rate: which clip, where in it, how fast, at what times."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from core.training.dice import Dice
from core.training.motion import MotionLibrary

FRAME_RATES = (10.0, 120.0)


class MotionWindows(NamedTuple):
    """A batch of windows in the world of the capture (y up, metres)."""

    positions_m: Float[Tensor, "batch frames 28 3"]
    time_s: Float[Tensor, "batch frames"]
    retargeted: Bool[Tensor, "batch"]


def frame_times(dice: Dice, batch: int, frames: int) -> Float[Tensor, "batch frames"]:
    """Presentation times at a random rate; every tenth window is of variable frame rate."""
    common = torch.tensor([24.0, 25.0, 29.97, 30.0, 30.0, 50.0, 60.0])
    rate = dice.log_uniform((batch, 1), *FRAME_RATES)
    rate = torch.where(
        dice.chance((batch, 1), 0.5), common[dice.integers((batch, 1), len(common))], rate
    )
    steps = torch.ones(batch, frames) / rate
    uneven = dice.log_normal((batch, frames), 0.5)
    steps = torch.where(dice.chance((batch, 1), 0.1), steps * uneven, steps)
    return steps.cumsum(1) - steps[:, :1]


def draw_windows(
    library: MotionLibrary,
    dice: Dice,
    time_s: Float[Tensor, "batch frames"],
    *,
    change_tempo: bool,
) -> MotionWindows:
    """Draw clips and read them at the given times, linearly between captured frames.

    A window longer than its clip runs back from the end, like a swing: no pose is held still.
    """
    batch = len(time_s)
    clip = dice.pick(library.weights, batch)
    last = library.lengths[clip] - 1  # (B,)
    tempo = dice.log_uniform((batch, 1), 0.75, 1.33) if change_tempo else 1.0
    offset = time_s * library.fps * tempo
    start = dice.uniform((batch,)) * (last - offset[:, -1]).clamp(min=0)
    # Positions run 0..last and back again: period 2 * last.
    place = torch.remainder(start[:, None] + offset, 2 * last[:, None])
    place = torch.minimum(place, 2 * last[:, None] - place)
    before = place.floor().long().clamp(max=last[:, None] - 1)
    share = (place - before)[..., None, None]
    rows = library.starts[clip][:, None] + before
    positions = torch.lerp(library.positions_m[rows], library.positions_m[rows + 1], share)
    return MotionWindows(positions, time_s, library.retargeted[clip])
