"""What happens between updates: measuring, saving, telling."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from core.checkpoints import save_lifter
from core.training.heldout import HeldOutSet, measure
from core.training.journal import Journal
from core.training.run import Report, Run
from core.training.update import Losses

STATE_FILE = "state.pt"
WEIGHTS_FILE = "weights.safetensors"
BEST_FILE = "best.safetensors"
_REPORT_EVERY_S = 10


@dataclass
class Watch:
    """Looks after a run in a folder.

    Attributes:
        run: what is watched.
        folder: where its state and weights go.
        held_out: what it is measured on.
        journal: of its numbers.
        on_report: hears them.
    """

    run: Run
    folder: Path
    held_out: dict[str, HeldOutSet]
    journal: Journal
    on_report: Callable[[Report], None]
    losses: list[Losses] = field(default_factory=list)
    last_report: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self._evaluations, self._checkpoints = self.run.evaluations(), self.run.checkpoints()

    def after(self, losses: Losses) -> None:
        """After every update."""
        self.losses.append(losses)
        state = self.run.state
        measured = None
        if self._evaluations.is_due(state.step, state.elapsed_s) or self.run.is_over:
            measured = self._measure()
        if self._checkpoints.is_due(state.step, state.elapsed_s) or self.run.is_over:
            self.save()
        if measured or time.monotonic() - self.last_report > _REPORT_EVERY_S:
            self._tell(measured)
        self.run.rest()

    def save(self) -> None:
        state, name = self.run.state, self.run.config.name
        state.save(self.folder / STATE_FILE, self.run.config)
        save_lifter(self.folder / WEIGHTS_FILE, state.average, name)

    def _measure(self) -> dict[str, float]:
        config, state = self.run.config, self.run.state
        measured = {
            f"{label}_{metric}": value
            for label, chosen in self.held_out.items()
            for metric, value in measure(state.average, chosen, state.precision.device).items()
        }
        errors = [measured[f"{label}_mpjpe_mm"] for label in self.held_out]
        state.patience = state.patience.observed(
            sum(errors) / len(errors),
            factor=config.plateau_factor,
            patience=config.plateau_patience,
        )
        state.stopped_early = state.patience.is_spent(config.early_stopping)
        if state.patience.since_best == 0:
            save_lifter(self.folder / BEST_FILE, state.average, config.name)
        return measured

    def _tell(self, measured: dict[str, float] | None) -> None:
        count = len(self.losses)
        report = self.run.report(sum(each.total for each in self.losses) / count, measured)
        terms = {
            f"loss/{name}": sum(each.terms[name] for each in self.losses) / count
            for name in self.losses[0].terms
        }
        numbers = {
            "elapsed_s": round(self.run.state.elapsed_s, 1),
            "loss": round(report.loss_m, 5),
            "frames_per_s": round(report.frames_per_s, 1),
            **(measured or {}),
        }
        parts = terms | {"learning_rate": report.learning_rate}
        self.journal.write(report.step, numbers, parts)
        self.on_report(report)
        self.losses.clear()
        self.last_report = time.monotonic()
