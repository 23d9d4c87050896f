"""A run from update to update: how far it is, how fast it learns, how it stands."""

import time
from dataclasses import dataclass

from core.errors import ConfigInvalid
from core.training.budget import Budget, Cadence
from core.training.config import TrainingConfig
from core.training.sampler import Batch
from core.training.schedule import rate_share
from core.training.sources import BatchSource
from core.training.state import TrainingState
from core.training.update import Losses, Updater


@dataclass(frozen=True)
class Report:
    """How the run stands, for whoever watches."""

    step: int
    share_done: float
    loss_m: float
    learning_rate: float
    frames_per_s: float
    eta_s: float
    measured_mm: dict[str, float] | None = None


class Run:
    """One update at a time, towards the end of a budget."""

    def __init__(self, config: TrainingConfig, state: TrainingState, source: BatchSource) -> None:
        self.config = config
        self.state = state
        self._per_epoch = source.steps_per_epoch
        self._budget = _budget(config, self._per_epoch)
        self._updater = Updater(config, state)
        self._begun = state.step, state.elapsed_s
        self._asked_s = time.monotonic()

    @property
    def share_done(self) -> float:
        """Part of the budget that is spent, 0 to 1."""
        return self._budget.share_done(self.state.step, self.state.elapsed_s)

    @property
    def is_over(self) -> bool:
        return self.share_done >= 1 or self.state.stopped_early

    @property
    def learning_rate(self) -> float:
        """Of the next update."""
        config, state = self.config, self.state
        return config.learning_rate * rate_share(
            config.schedule, state.step, config.warm_up_steps, self.share_done, state.patience
        )

    def advance(self, batch: Batch) -> Losses:
        """One update."""
        losses = self._updater.update(batch, self.learning_rate)
        now = time.monotonic()
        self.state.elapsed_s += now - self._asked_s
        self._asked_s = now
        return losses

    def rest(self) -> None:
        """What was done since the last update is not training."""
        self._asked_s = time.monotonic()

    def evaluations(self) -> Cadence:
        every = self.config.evaluate_every_steps
        if every is None and self.config.epochs is not None:
            every = self._per_epoch
        return Cadence(every, 60 * self.config.evaluate_every_minutes, self.state.elapsed_s)

    def checkpoints(self) -> Cadence:
        config = self.config
        every_s = 60 * config.checkpoint_every_minutes
        return Cadence(config.checkpoint_every_steps, every_s, self.state.elapsed_s)

    def report(self, loss_m: float, measured: dict[str, float] | None) -> Report:
        state = self.state
        steps, seconds = state.step - self._begun[0], state.elapsed_s - self._begun[1]
        speed = steps / max(seconds, 1e-6)
        return Report(
            step=state.step,
            share_done=min(1.0, self.share_done),
            loss_m=loss_m,
            learning_rate=self.learning_rate,
            frames_per_s=speed * self.config.frames_per_step,
            eta_s=self._budget.eta_s(state.step, state.elapsed_s, speed),
            measured_mm=measured,
        )


def _budget(config: TrainingConfig, steps_per_epoch: int | None) -> Budget:
    if config.epochs is None:
        seconds = None if config.minutes is None else 60 * config.minutes
        return Budget(steps=config.steps, seconds=seconds)
    if steps_per_epoch is None:
        raise ConfigInvalid(
            "Motion is seen from ever new cameras, so there are no epochs: give training field "
            "'steps' or 'minutes'."
        )
    return Budget(steps=config.epochs * steps_per_epoch)
