"""What one training run is, read from a YAML file."""

from dataclasses import asdict, dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Self

import yaml

from core.errors import ConfigInvalid
from core.models import LifterConfig
from core.models.config import PRESETS
from core.training.losses import LossWeights
from core.training.motion import HELD_OUT_SUBJECTS
from core.training.sampler import Difficulty


@dataclass(frozen=True)
class TrainingConfig:
    """One run. Exactly one of ``minutes`` and ``steps`` bounds it.

    Attributes:
        name: of the lifter, kept in its checkpoint.
        motion: path of the motion file; relative paths are from the working directory.
        model: sizes and choices of the network; in YAML a preset's name or fields.
        minutes: of wall time spent training; the learning rate falls by time, so that a run on a
            busy machine ends in time and still anneals fully.
        steps: updates; for runs that must repeat exactly.
        frames_per_step: windows x frames of every batch.
        window_frames: how often each window length is drawn.
        learning_rate: at its peak, after ``warm_up_steps``; falls as a cosine to a hundredth.
        clip_norm: of the gradient.
        ema_decay: of the averaged weights, which are what is evaluated and shipped.
        evaluate_every_minutes, checkpoint_every_minutes: of training time.
        evaluation_windows: of 27 frames, clean and again as noisy.
        threads: of the CPU, 0 for all.
        device: ``auto``, ``cpu`` or ``cuda``.
    """

    name: str
    motion: str
    model: LifterConfig = field(default_factory=LifterConfig)
    loss: LossWeights = field(default_factory=LossWeights)
    difficulty: Difficulty = field(default_factory=Difficulty)
    held_out: tuple[str, ...] = HELD_OUT_SUBJECTS
    seed: int = 0
    minutes: float | None = None
    steps: int | None = None
    frames_per_step: int = 1728
    window_frames: dict[int, float] = field(
        default_factory=lambda: {1: 0.04, 9: 0.1, 27: 0.66, 54: 0.12, 81: 0.08}
    )
    learning_rate: float = 1e-3
    warm_up_steps: int = 200
    weight_decay: float = 0.01
    clip_norm: float = 1.0
    ema_decay: float = 0.998
    evaluate_every_minutes: float = 3.0
    checkpoint_every_minutes: float = 3.0
    evaluation_windows: int = 384
    threads: int = 0
    device: str = "auto"

    def __post_init__(self) -> None:
        if (self.minutes is None) == (self.steps is None):
            raise ConfigInvalid("Give exactly one of the training fields 'minutes' and 'steps'.")
        if not self.window_frames or min(self.window_frames) < 1:
            raise ConfigInvalid("Training field 'window_frames' maps lengths from 1 up to shares.")
        if max(self.window_frames) > self.frames_per_step:
            raise ConfigInvalid("Training field 'frames_per_step' is less than the longest window.")

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "model": self.model.to_dict(), "held_out": list(self.held_out)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Read plain values, as YAML gives them.

        Raises:
            ConfigInvalid: a field is unknown, missing, or of the wrong kind; names it.
        """
        values = dict(_known(cls, values, "training"))
        model = values.get("model", "base")
        if isinstance(model, str):
            if model not in PRESETS:
                raise ConfigInvalid(f"There is no size '{model}': {', '.join(PRESETS)}.")
            values["model"] = PRESETS[model]
        else:
            values["model"] = LifterConfig.from_dict(model)
        for name, kind in (("loss", LossWeights), ("difficulty", Difficulty)):
            values[name] = kind(**_known(kind, values.get(name, {}), name))
        values["held_out"] = tuple(map(str, values.get("held_out", HELD_OUT_SUBJECTS)))
        try:
            return cls(**values)
        except TypeError as error:
            raise ConfigInvalid(f"The training config does not fit: {error}.") from None


def _known(kind: type, values: object, where: str) -> dict[str, Any]:
    if not isinstance(values, dict):
        raise ConfigInvalid(f"The {where} fields must be a mapping of names to values.")
    names = [entry.name for entry in fields(kind)]
    for name in values:
        if name not in names:
            near = get_close_matches(str(name), names, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"fields are {', '.join(names)}."
            raise ConfigInvalid(f"There is no {where} field '{name}': {hint}")
    return values


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
