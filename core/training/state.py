"""Everything a run needs to go on exactly where it was: weights, optimiser, clocks, patience."""

from copy import deepcopy
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch.optim import Optimizer

from core.checkpoints import skeleton_digest
from core.errors import CheckpointInvalid, ConfigInvalid
from core.models import Lifter
from core.models.config import LifterConfig
from core.training.config import TrainingConfig
from core.training.optimiser import optimisers_for
from core.training.precision import Precision
from core.training.schedule import Patience

_SCHEMA = 3


@dataclass
class TrainingState:
    """A run in flight.

    Attributes:
        model: being trained.
        average: exponential moving average of its weights.
        optimisers: over ``model``; each parameter belongs to one of them.
        precision: number formats, and where everything is.
        seed: what the batch of every step is drawn from.
        parts: in which batches go through the network; grows when memory runs out.
        step: updates done.
        elapsed_s: wall time spent training, over all restarts, without evaluation.
        patience: what the evaluations amount to.
        stopped_early: whether patience ran out.
    """

    model: Lifter
    average: Lifter
    optimisers: tuple[Optimizer, ...]
    precision: Precision
    seed: int
    parts: int = 1
    step: int = 0
    elapsed_s: float = 0.0
    patience: Patience = field(default_factory=Patience)
    stopped_early: bool = False

    def forget_gradients(self) -> None:
        for optimiser in self.optimisers:
            optimiser.zero_grad(set_to_none=True)

    def save(self, path: Path, config: TrainingConfig) -> None:
        """Write, then rename into place: a kill leaves the old file or the new one."""
        partial = path.with_suffix(".partial")
        torch.save(
            {
                "schema": _SCHEMA,
                "skeleton": skeleton_digest(),
                "config": config.to_dict(),
                "model": self.model.state_dict(),
                "average": self.average.state_dict(),
                "optimisers": [each.state_dict() for each in self.optimisers],
                "scaler": self.precision.scaler.state_dict(),
                "random": _random_state(),
                "patience": asdict(self.patience),
                **{name: getattr(self, name) for name in _PLAIN},
            },
            partial,
        )
        partial.replace(path)

    def restore(self, path: Path) -> None:
        """Go on from a file of :meth:`save`.

        Raises:
            CheckpointInvalid: the file is damaged, or of another version, skeleton or model; says
                which.
        """
        try:
            saved: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:  # torch.load raises whatever the bytes make it raise
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise CheckpointInvalid(
                f"Cannot go on from '{path}': {reason} Give another folder with --out, or start "
                "from the weights beside it with --start-from."
            ) from None
        self._refuse_others(saved, path)
        if len(saved["optimisers"]) != len(self.optimisers):
            raise CheckpointInvalid(
                f"Cannot go on from '{path}': training field 'optimiser' is "
                f"{saved['config']['optimiser']} there. Give another folder with --out, or the "
                "config that the run began with."
            )
        self.model.load_state_dict(saved["model"])
        self.average.load_state_dict(saved["average"])
        for optimiser, memory in zip(self.optimisers, saved["optimisers"], strict=True):
            optimiser.load_state_dict(memory)
        if saved["scaler"] and self.precision.scaler.is_enabled():
            self.precision.scaler.load_state_dict(saved["scaler"])
        _put_back(saved["random"])
        self.patience = Patience(**saved["patience"])
        for name in _PLAIN:
            setattr(self, name, saved[name])

    def _refuse_others(self, saved: object, path: Path) -> None:
        if not isinstance(saved, dict) or saved.get("schema") != _SCHEMA:
            raise CheckpointInvalid(
                f"Cannot go on from '{path}': another version of this program wrote it. Give "
                "another folder with --out; --start-from takes the weights of a finished run."
            )
        if saved["skeleton"] != skeleton_digest():
            raise CheckpointInvalid(
                f"Cannot go on from '{path}': it was trained for another skeleton or other "
                "keypoints than those used here."
            )
        apart = differences(_with_defaults(saved["config"]["model"]), self.model.config.to_dict())
        if apart:
            raise CheckpointInvalid(
                f"Cannot go on from '{path}': it holds another model ({apart}). Give another "
                "folder with --out, or the config that the run began with."
            )


def _with_defaults(fields: dict[str, Any]) -> dict[str, Any]:
    """A model from before a field was there is the model with that field's default."""
    try:
        return LifterConfig.from_dict(fields).to_dict()
    except ConfigInvalid:
        return fields  # of a later version: the difference is told by name


_PLAIN = ("seed", "parts", "step", "elapsed_s", "stopped_early")


def differences(theirs: dict[str, Any], ours: dict[str, Any]) -> str:
    """Which model fields differ, in words; empty if none does."""
    names = [name for name in {**ours, **theirs} if theirs.get(name) != ours.get(name)]
    return ", ".join(
        f"'{name}' is {theirs.get(name)} there and {ours.get(name)} here" for name in names
    )


def begin(config: TrainingConfig, device: torch.device) -> TrainingState:
    """A fresh run, decided by its seed."""
    torch.manual_seed(config.seed)
    model = Lifter(config.model).to(device)
    precision = Precision(config.autocast, device)
    optimisers = optimisers_for(
        model,
        config.optimiser,
        config.learning_rate,
        config.weight_decay,
        precision.orthogonal_steps,
    )
    average = deepcopy(model).requires_grad_(requires_grad=False).eval()
    return TrainingState(model, average, optimisers, precision, config.seed, config.accumulate)


def _random_state() -> dict[str, Any]:
    """Of what the network throws: dropout."""
    return {"cpu": torch.get_rng_state(), "cuda": torch.cuda.get_rng_state_all()}


def _put_back(random: dict[str, Any]) -> None:
    torch.set_rng_state(random["cpu"])
    if len(random["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(random["cuda"])
