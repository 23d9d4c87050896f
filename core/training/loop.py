"""The training loop: draw, lift, punish, step; now and then measure and save."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

import torch

from core.training.config import TrainingConfig
from core.training.draw_ahead import batches_from
from core.training.journal import Journal
from core.training.material import gather
from core.training.precision import chosen_device
from core.training.run import Report, Run
from core.training.state import TrainingState, begin
from core.training.warm_start import start_from
from core.training.watch import BEST_FILE, STATE_FILE, WEIGHTS_FILE, Watch


class Ending(StrEnum):
    """Why a run is over, or not."""

    COMPLETE = "complete"
    STOPPED_EARLY = "stopped early"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class Outcome:
    """What a run left behind.

    Attributes:
        weights: averaged, as a checkpoint that :func:`core.checkpoints.load_lifter` reads.
        best: the same at the evaluation with the least held-out error; may be absent.
        ending: after ``interrupted`` the same call goes on where this one stopped.
    """

    weights: Path
    best: Path
    ending: Ending


def train(
    config: TrainingConfig,
    folder: Path,
    on_report: Callable[[Report], None],
    *,
    on_note: Callable[[str], None] = lambda words: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Train until the budget is spent; go on from ``folder`` if a run was cut off there.

    Args:
        config: what, and how.
        folder: for state, log and weights.
        on_report: hears how it goes, every few seconds.
        on_note: hears in words what a user should know.
        should_stop: asked after every update; then everything is saved, and the run is over.

    Raises:
        ConfigInvalid: the config cannot be used.
        MotionInvalid: the motion file cannot be used.
        DatasetInvalid: the pairs cannot be used.
        CheckpointInvalid: a state left in ``folder``, or the weights to start from, cannot be used.
        OutOfMemory: not even one window at a time fits.
        TrainingDiverged: gradients are not finite any more.
    """
    device = chosen_device(config.device)
    if config.threads:
        torch.set_num_threads(config.threads)
    folder.mkdir(parents=True, exist_ok=True)
    material = gather(config, folder)
    for remark in material.remarks:
        on_note(remark)
    state = _begin_or_go_on(config, folder, device, on_note)
    run = Run(config, state, material.source)
    outcome = Outcome(folder / WEIGHTS_FILE, folder / BEST_FILE, Ending.COMPLETE)
    with (
        Journal(folder, state.step) as journal,
        batches_from(material.source, state.seed, state.step, config.drawing_threads) as batches,
    ):
        if not journal.has_tensorboard:
            on_note(
                "TensorBoard is not installed, so the log is log.jsonl alone; to have both: "
                "pip install 'poselift[train]'."
            )
        watch = Watch(run, folder, material.held_out, journal, on_report)
        while not run.is_over:
            parts = state.parts
            watch.after(run.advance(next(batches)))
            if state.parts > parts:
                on_note(f"Out of memory: batches now go through in {state.parts} parts.")
            if should_stop() and not run.is_over:
                watch.save()
                return replace(outcome, ending=Ending.INTERRUPTED)
    return replace(outcome, ending=Ending.STOPPED_EARLY) if state.stopped_early else outcome


def _begin_or_go_on(
    config: TrainingConfig, folder: Path, device: torch.device, on_note: Callable[[str], None]
) -> TrainingState:
    state = begin(config, device)
    if (folder / STATE_FILE).exists():
        state.restore(folder / STATE_FILE)
        on_note(f"Going on from step {state.step} of the run in '{folder}'.")
    elif config.start_from is not None:
        on_note(str(start_from(Path(config.start_from), state.model)))
        state.average.load_state_dict(state.model.state_dict())
    return state
