"""What a run learns from and what it is measured on, as its config says."""

from dataclasses import dataclass
from math import ceil
from pathlib import Path

from core.training.config import TrainingConfig
from core.training.dice import Dice
from core.training.heldout import HeldOutSet
from core.training.motion import load_motion
from core.training.normalisation import save_normalisation
from core.training.pairs import PairLibrary, PairSource
from core.training.recordings import read_recordings, remarks, split_by_share, split_by_subject
from core.training.sampler import CLEAN, HINTED, NOISY, Difficulty
from core.training.sources import BatchSource, MotionSource, WindowMix

NORMALISATION_FILE = "normalisation.npz"
_PLAIN = Difficulty(bodies=False, noise=0.0, definitions=False, hiding=False, hint=0.0)
_MEASURED_FRAMES = 27
_MEASURED_AT_ONCE = 64


@dataclass(frozen=True)
class Material:
    """Everything that is read from disk before the first step.

    Attributes:
        source: of training batches.
        held_out: sets to measure on, by label.
        remarks: what a user should know about the data, in words.
    """

    source: BatchSource
    held_out: dict[str, HeldOutSet]
    remarks: tuple[str, ...] = ()


def gather(config: TrainingConfig, folder: Path) -> Material:
    """Read and split the data; a run on pairs leaves their normalisation in ``folder``.

    Raises:
        MotionInvalid: the motion file cannot be used.
        DatasetInvalid: the pairs cannot be used; names clip and frame.
        ConfigInvalid: the data cannot be split as the config says.
    """
    mix = WindowMix(config.window_frames, config.frames_per_step)
    if config.motion is not None:
        return _motion(config, Path(config.motion), mix)
    return _pairs(config, Path(config.pairs or ""), mix, folder)


def _motion(config: TrainingConfig, path: Path, mix: WindowMix) -> Material:
    library = load_motion(path)
    learn = library.of_subjects(config.held_out, inside=False)
    unseen = library.of_subjects(config.held_out, inside=True)
    kinds = {"clean": CLEAN, "noisy": NOISY}
    if config.model.reads_hint:
        kinds["hinted"] = HINTED
    held_out = {
        label: HeldOutSet.draw(unseen, Dice(seed), config.evaluation_windows, difficulty)
        for seed, (label, difficulty) in enumerate(kinds.items(), start=1)
    }
    return Material(MotionSource(learn, config.difficulty, mix), held_out)


def _pairs(config: TrainingConfig, path: Path, mix: WindowMix, folder: Path) -> Material:
    sequences = read_recordings(path)
    if config.held_out_share is not None:
        learn, unseen = split_by_share(sequences, config.held_out_share, config.seed)
    else:
        learn, unseen = split_by_subject(sequences, config.held_out)
    source = PairSource(PairLibrary.of(learn), config.difficulty, mix, config.seed)
    save_normalisation(folder / NORMALISATION_FILE, learn)
    frames = 1 if max(config.window_frames) == 1 else _MEASURED_FRAMES
    measured = PairSource(
        PairLibrary.of(unseen), _PLAIN, WindowMix({frames: 1.0}, frames * _MEASURED_AT_ONCE), seed=0
    )
    count = min(measured.steps_per_epoch, ceil(config.evaluation_windows / _MEASURED_AT_ONCE))
    batches = tuple(measured.draw(Dice(step), step) for step in range(count))
    counts = f"{sum(map(len, learn))} frames to learn from, {sum(map(len, unseen))} held out."
    return Material(source, {"held_out": HeldOutSet(batches)}, (counts, *remarks(sequences)))
