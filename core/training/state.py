"""Everything a run needs to go on exactly where it was: weights, optimiser, clocks and dice."""

from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.optim import AdamW

from core.errors import CheckpointInvalid
from core.models import Lifter
from core.training.config import TrainingConfig
from core.training.dice import Dice


@dataclass
class TrainingState:
    """A run in flight.

    Attributes:
        model: being trained.
        average: exponential moving average of its weights.
        optimiser: over ``model``.
        dice: what the sampler draws from.
        step: updates done.
        elapsed_s: wall time spent training, over all restarts, without evaluation.
    """

    model: Lifter
    average: Lifter
    optimiser: AdamW
    dice: Dice
    step: int = 0
    elapsed_s: float = 0.0

    def save(self, path: Path, config: TrainingConfig) -> None:
        """Write, then rename into place: a kill leaves the old file or the new one."""
        partial = path.with_suffix(".partial")
        torch.save(
            {
                "config": config.to_dict(),
                "model": self.model.state_dict(),
                "average": self.average.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "dice": self.dice.generator.get_state(),
                "torch_rng": torch.get_rng_state(),
                "step": self.step,
                "elapsed_s": self.elapsed_s,
            },
            partial,
        )
        partial.replace(path)

    def restore(self, path: Path) -> None:
        """Go on from a file of :meth:`save`.

        Raises:
            CheckpointInvalid: the file is damaged or of another model.
        """
        try:
            saved: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
            self.model.load_state_dict(saved["model"])
            self.average.load_state_dict(saved["average"])
            self.optimiser.load_state_dict(saved["optimiser"])
            self.dice.generator.set_state(saved["dice"])
            torch.set_rng_state(saved["torch_rng"])
            self.step, self.elapsed_s = saved["step"], saved["elapsed_s"]
        except Exception as error:  # torch.load raises whatever the bytes make it raise
            raise CheckpointInvalid(f"Cannot go on from '{path.name}': {error}.") from error


def begin(config: TrainingConfig, device: torch.device) -> TrainingState:
    """A fresh run, decided by its seed."""
    torch.manual_seed(config.seed)
    model = Lifter(config.model).to(device)
    decayed = [p for name, p in model.named_parameters() if name.endswith("weight") and p.ndim > 1]
    chosen = {id(p) for p in decayed}
    plain = [p for p in model.parameters() if id(p) not in chosen]
    groups = [
        {"params": decayed, "weight_decay": config.weight_decay},
        {"params": plain, "weight_decay": 0.0},
    ]
    optimiser = AdamW(groups, lr=config.learning_rate, betas=(0.9, 0.98), fused=True)
    average = deepcopy(model).requires_grad_(requires_grad=False).eval()
    return TrainingState(model, average, optimiser, Dice(config.seed))
