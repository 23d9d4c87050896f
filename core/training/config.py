"""What one training run is, read from a YAML file."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import yaml

from core.errors import ConfigInvalid
from core.models import LifterConfig
from core.models.config import PRESETS
from core.training.config_values import read_fields
from core.training.losses import LossWeights
from core.training.motion import HELD_OUT_SUBJECTS
from core.training.optimiser import Kind
from core.training.precision import Autocast
from core.training.sampler import Difficulty
from core.training.schedule import Schedule


@dataclass(frozen=True)
class TrainingConfig:
    """One run.

    Exactly one of ``motion`` and ``pairs`` says what is learnt from, and exactly one of
    ``minutes``, ``steps`` and ``epochs`` how long. Paths are from the working directory.

    Attributes:
        name: of the lifter, kept in its checkpoint.
        motion: captured motion, seen through cameras drawn at random.
        pairs: 2D with its 3D, as a camera saw it: an ``mpi_inf_combined.npz``, an ``annot.mat`` or
            a folder of these.
        model: sizes and choices of the network; in YAML a preset's name or fields.
        start_from: weights to begin with, instead of random ones.
        held_out: subjects to measure on, never to learn from.
        held_out_share: of ``pairs``, in runs of neighbouring frames, where subjects are unknown;
            takes the place of ``held_out``.
        minutes: of wall time spent training; the learning rate falls by time, so that a run on a
            busy machine ends in time and still anneals fully.
        steps: updates; for runs that must repeat exactly.
        epochs: times every window of ``pairs`` is seen.
        frames_per_step: windows x frames of every batch.
        window_frames: how often each window length is drawn.
        optimiser: ``adamw``, or ``muon`` for the matrices between input and output.
        learning_rate: at its peak, after ``warm_up_steps``.
        schedule: what it does then.
        plateau_factor, plateau_patience: of the schedule ``plateau``: what the rate is multiplied
            with, after more than so many evaluations without improvement.
        early_stopping: ends the run after so many evaluations without improvement.
        accumulate: parts in which a batch goes through the network, one after the other; the
            update is that of the whole batch.
        clip_norm: of the gradient.
        autocast: number format of matrix products.
        ema_decay: of the averaged weights, which are what is evaluated and shipped.
        evaluate_every_minutes, checkpoint_every_minutes: of training time.
        evaluate_every_steps, checkpoint_every_steps: take their place; for runs that must repeat
            exactly. Runs of ``epochs`` evaluate after each one if nothing is said.
        evaluation_windows: of 27 frames, clean and again as noisy; of ``pairs``, windows at most.
        drawing_threads: draw batches ahead; 0 draws each when it is needed.
        threads: of the CPU, 0 for all.
        device: ``auto``, ``cpu`` or ``cuda``.
    """

    name: str
    motion: str | None = None
    pairs: str | None = None
    model: LifterConfig = field(default_factory=LifterConfig)
    start_from: str | None = None
    loss: LossWeights = field(default_factory=LossWeights)
    difficulty: Difficulty = field(default_factory=Difficulty)
    held_out: tuple[str, ...] = HELD_OUT_SUBJECTS
    held_out_share: float | None = None
    seed: int = 0
    minutes: float | None = None
    steps: int | None = None
    epochs: int | None = None
    frames_per_step: int = 1728
    window_frames: dict[int, float] = field(
        default_factory=lambda: {1: 0.04, 9: 0.1, 27: 0.66, 54: 0.12, 81: 0.08}
    )
    optimiser: Kind = Kind.ADAMW
    learning_rate: float = 1e-3
    warm_up_steps: int = 200
    schedule: Schedule = Schedule.COSINE
    plateau_factor: float = 0.5
    plateau_patience: int = 5
    early_stopping: int | None = None
    weight_decay: float = 0.01
    accumulate: int = 1
    clip_norm: float = 1.0
    autocast: Autocast = Autocast.OFF
    ema_decay: float = 0.998
    evaluate_every_minutes: float = 3.0
    evaluate_every_steps: int | None = None
    checkpoint_every_minutes: float = 3.0
    checkpoint_every_steps: int | None = None
    evaluation_windows: int = 384
    drawing_threads: int = 1
    threads: int = 0
    device: str = "auto"

    def __post_init__(self) -> None:
        _one_of(self, "motion", "pairs")
        _one_of(self, "minutes", "steps", "epochs")
        _check_ranges(self)
        if not self.window_frames or min(self.window_frames) < 1:
            raise ConfigInvalid("Training field 'window_frames' maps lengths from 1 up to shares.")
        if min(self.window_frames.values()) < 0 or not sum(self.window_frames.values()) > 0:
            raise ConfigInvalid("The shares in training field 'window_frames' must be positive.")
        if max(self.window_frames) > self.frames_per_step:
            raise ConfigInvalid("Training field 'frames_per_step' is less than the longest window.")
        counts = self.schedule is Schedule.PLATEAU or self.early_stopping is not None
        if counts and self.steps is not None and self.evaluate_every_steps is None:
            raise ConfigInvalid(
                "This run is bounded by 'steps' and watches the held-out error, so it must not "
                "depend on the clock: give training field 'evaluate_every_steps'."
            )

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as YAML writes them."""
        return {
            **asdict(self),
            "model": self.model.to_dict(),
            "held_out": list(self.held_out),
            "optimiser": str(self.optimiser),
            "schedule": str(self.schedule),
            "autocast": str(self.autocast),
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Read plain values, as YAML gives them.

        Raises:
            ConfigInvalid: a field is unknown, missing, out of range or of the wrong kind; names
                it.
        """
        given = read_fields(cls, values, "training")
        if "name" not in given:
            raise ConfigInvalid("The training field 'name' is missing.")
        given["model"] = _model(given.get("model", "base"))
        for name, kind in (("loss", LossWeights), ("difficulty", Difficulty)):
            given[name] = kind(**read_fields(kind, given.get(name, {}), name))
        return cls(**given)


def read_config(path: Path) -> TrainingConfig:
    """Read a YAML file.

    Raises:
        ConfigInvalid: the file cannot be read, or :meth:`TrainingConfig.from_dict` refuses it.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigInvalid(f"Cannot read the config '{path}': {error}.") from None
    if not isinstance(values, dict):
        raise ConfigInvalid(f"The config '{path}' must be a mapping of fields to values.")
    return TrainingConfig.from_dict(values)


def _model(chosen: object) -> LifterConfig:
    if isinstance(chosen, dict):
        return LifterConfig.from_dict(chosen)
    if chosen not in PRESETS:
        raise ConfigInvalid(f"There is no size '{chosen}': {', '.join(PRESETS)}.")
    return PRESETS[str(chosen)]


def _one_of(config: TrainingConfig, *names: str) -> None:
    if sum(getattr(config, name) is not None for name in names) != 1:
        listed = ", ".join(f"'{name}'" for name in names)
        raise ConfigInvalid(f"Give exactly one of the training fields {listed}.")


_POSITIVE = (
    "minutes", "steps", "epochs", "frames_per_step", "learning_rate", "accumulate", "clip_norm",
    "early_stopping", "evaluate_every_minutes", "evaluate_every_steps", "checkpoint_every_minutes",
    "checkpoint_every_steps", "evaluation_windows",
)  # fmt: skip
_NOT_NEGATIVE = (
    "seed", "warm_up_steps", "weight_decay", "plateau_patience", "drawing_threads", "threads",
)  # fmt: skip
_SHARES = ("held_out_share", "ema_decay", "plateau_factor")


def _check_ranges(config: TrainingConfig) -> None:
    for names, fits, words in (
        (_POSITIVE, lambda value: value > 0, "greater than 0"),
        (_NOT_NEGATIVE, lambda value: value >= 0, "0 or more"),
        (_SHARES, lambda value: 0 < value < 1, "between 0 and 1"),
    ):
        for name in names:
            value = getattr(config, name)
            if value is not None and not fits(value):  # NaN fits nowhere
                raise ConfigInvalid(f"Training field '{name}' must be {words}, and not {value}.")
