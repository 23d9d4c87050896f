"""The training loop: draw, lift, punish, step; now and then measure and save."""

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from core.checkpoints import save_lifter
from core.training.config import TrainingConfig
from core.training.dice import Dice
from core.training.heldout import HeldOutSet, measure
from core.training.losses import lifting_loss
from core.training.motion import MotionLibrary, load_motion
from core.training.sampler import CLEAN, NOISY, Batch, draw_batch
from core.training.state import TrainingState, begin

STATE_FILE = "state.pt"
LOG_FILE = "log.jsonl"
WEIGHTS_FILE = "weights.safetensors"


@dataclass(frozen=True)
class Report:
    """How the run stands, for whoever watches."""

    step: int
    share_done: float
    loss_m: float
    frames_per_s: float
    eta_s: float
    measured_mm: dict[str, float] | None = None


def train(config: TrainingConfig, folder: Path, on_report: Callable[[Report], None]) -> Path:
    """Train until the budget is spent; go on from ``folder`` if a run was cut off there.

    Returns:
        The averaged weights, as a checkpoint that :func:`core.checkpoints.load_lifter` reads.

    Raises:
        ConfigInvalid: the config cannot be used.
        MotionInvalid: the motion file cannot be used.
        CheckpointInvalid: a state left in ``folder`` cannot be used.
    """
    library = load_motion(Path(config.motion))
    learn = library.of_subjects(config.held_out, inside=False)
    device = _device(config.device)
    if config.threads:
        torch.set_num_threads(config.threads)
    folder.mkdir(parents=True, exist_ok=True)
    state = begin(config, device)
    if (folder / STATE_FILE).exists():
        state.restore(folder / STATE_FILE)
    held_out = _held_out_sets(config, library)
    trainer = Trainer(config, state, learn, device)
    last_report, last_save, last_measure = time.monotonic(), state.elapsed_s, state.elapsed_s
    losses: list[float] = []
    while trainer.share_done < 1:
        losses.append(trainer.advance())
        done = trainer.share_done >= 1
        measured = None
        if done or state.elapsed_s - last_measure > 60 * config.evaluate_every_minutes:
            last_measure = state.elapsed_s
            measured = _measure_all(state, held_out, device)
        if done or state.elapsed_s - last_save > 60 * config.checkpoint_every_minutes:
            last_save = state.elapsed_s
            state.save(folder / STATE_FILE, config)
            save_lifter(folder / WEIGHTS_FILE, state.average, config.name)
        if measured or time.monotonic() - last_report > 10:
            last_report = time.monotonic()
            report = trainer.report(sum(losses) / len(losses), measured)
            losses.clear()
            _log(folder / LOG_FILE, report, state)
            on_report(report)
    return folder / WEIGHTS_FILE


class Trainer:
    """One update at a time."""

    def __init__(
        self,
        config: TrainingConfig,
        state: TrainingState,
        library: MotionLibrary,
        device: torch.device,
    ) -> None:
        self.config = config
        self.state = state
        self.library = library
        self.device = device
        self._lengths = torch.tensor(list(config.window_frames))
        self._shares = torch.tensor(list(config.window_frames.values()), dtype=torch.float32)
        self._begun = state.step, state.elapsed_s

    @property
    def share_done(self) -> float:
        """Part of the budget that is spent, 0 to 1."""
        if self.config.steps is not None:
            return self.state.step / self.config.steps
        return self.state.elapsed_s / (60 * (self.config.minutes or 1.0))

    def advance(self) -> float:
        """One update; returns the loss."""
        begun = time.monotonic()
        state = self.state
        batch = self.draw().to(self.device)
        for group in state.optimiser.param_groups:
            group["lr"] = self._learning_rate()
        state.model.train()
        pose = state.model(batch.rays, batch.confidence, batch.time_s)
        loss = lifting_loss(pose, batch, self.config.loss)
        state.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(state.model.parameters(), self.config.clip_norm)
        if torch.isfinite(norm):  # one bad batch must not poison a run of hours
            state.optimiser.step()
            self._average()
        state.step += 1
        value = float(loss.detach())
        state.elapsed_s += time.monotonic() - begun
        return value

    def draw(self) -> Batch:
        """The next batch, on one thread: its operations are too small to share."""
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        dice = self.state.dice
        frames = int(self._lengths[dice.pick(self._shares, 1)])
        count = max(1, self.config.frames_per_step // frames)
        batch = draw_batch(self.library, dice, count, frames, self.config.difficulty)
        torch.set_num_threads(threads)
        return batch

    def report(self, loss_m: float, measured: dict[str, float] | None) -> Report:
        state = self.state
        steps, seconds = state.step - self._begun[0], state.elapsed_s - self._begun[1]
        speed = steps / max(seconds, 1e-6)
        if self.config.steps is not None:
            eta_s = (self.config.steps - state.step) / max(speed, 1e-6)
        else:
            eta_s = 60 * (self.config.minutes or 1.0) - state.elapsed_s
        return Report(
            step=state.step,
            share_done=min(1.0, self.share_done),
            loss_m=loss_m,
            frames_per_s=speed * self.config.frames_per_step,
            eta_s=max(0.0, eta_s),
            measured_mm=measured,
        )

    def _learning_rate(self) -> float:
        warm = min(1.0, (self.state.step + 1) / max(1, self.config.warm_up_steps))
        cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, self.share_done)))
        return self.config.learning_rate * warm * (0.01 + 0.99 * cosine)

    @torch.no_grad()
    def _average(self) -> None:
        # Early on, a long average would remember the random start.
        decay = min(self.config.ema_decay, (1 + self.state.step) / (10 + self.state.step))
        pairs = zip(self.state.average.parameters(), self.state.model.parameters(), strict=True)
        for old, new in pairs:
            old.lerp_(new, 1 - decay)


def _device(name: str) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def _held_out_sets(config: TrainingConfig, library: MotionLibrary) -> dict[str, HeldOutSet]:
    unseen = library.of_subjects(config.held_out, inside=True)
    windows = config.evaluation_windows
    return {
        "clean": HeldOutSet.draw(unseen, Dice(1), windows, CLEAN),
        "noisy": HeldOutSet.draw(unseen, Dice(2), windows, NOISY),
    }


def _measure_all(
    state: TrainingState, sets: dict[str, HeldOutSet], device: torch.device
) -> dict[str, float]:
    return {
        f"{label}_{metric}": value
        for label, chosen in sets.items()
        for metric, value in measure(state.average, chosen, device).items()
    }


def _log(path: Path, report: Report, state: TrainingState) -> None:
    line = {
        "step": report.step,
        "elapsed_s": round(state.elapsed_s, 1),
        "loss": round(report.loss_m, 5),
        "frames_per_s": round(report.frames_per_s, 1),
        **(report.measured_mm or {}),
    }
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
