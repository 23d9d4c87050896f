"""Training on a device: steps a second in bf16, and going on exactly where a run was cut off."""

from dataclasses import replace
from itertools import islice
from pathlib import Path
from time import perf_counter

import torch

import core.training
from benchmarks.gpu_material import motion_file
from benchmarks.gpu_step import Finding, Findings, Setting, per_second
from core.checkpoints import load_lifter
from core.cores import usable_cores
from core.models.config import PRESETS
from core.training.config import TrainingConfig, read_config
from core.training.draw_ahead import batches_from
from core.training.loop import Ending, train
from core.training.material import gather
from core.training.precision import Autocast
from core.training.state import begin
from core.training.update import Updater
from core.training.watch import STATE_FILE

CONFIG = Path(core.training.__file__).parent / "configs" / "base.yaml"
_MINUTES = 1.0
_DRAWN_AHEAD = 12


def rates(setting: Setting) -> Findings:
    """The packaged config for a minute, then updates alone with batches that lie ready."""
    yield Finding("motion", "yours" if setting.motion else "a drawn figure: for speed only")
    config = _config(setting, autocast=Autocast.BF16)
    bound = {"minutes": None, "steps": 2} if setting.quick else {"minutes": _MINUTES}
    config = replace(config, **bound)
    threads = usable_cores()
    if setting.has_gpu:
        config = replace(config, drawing_threads=max(1, min(_DRAWN_AHEAD, threads - 2)))
    start_s = perf_counter()
    folder = setting.folder / "run"
    train(config, folder, lambda report: None)
    state = begin(config, setting.device)
    state.restore(folder / STATE_FILE)
    rate = round(state.step / state.elapsed_s, 2)
    words = f"base.yaml, bf16, {config.drawing_threads} threads draw"
    if setting.quick:
        words = "a smaller config, bf16"
    yield Finding(f"{words}: training", rate, "steps/s")
    frames = round(rate * config.frames_per_step, 1)
    yield Finding(f"{words}: training", frames, "frames/s")
    yield Finding("with start and evaluation", round(perf_counter() - start_s, 1), "s")
    yield Finding("steps", state.step)
    for autocast in (Autocast.BF16, Autocast.FP16, Autocast.OFF):
        if setting.quick and autocast is not Autocast.BF16:
            continue
        yield from _updates(setting, replace(config, autocast=autocast))


def _updates(setting: Setting, config: TrainingConfig) -> Findings:
    source = gather(config, setting.folder).source
    with batches_from(source, config.seed, 0, 0) as drawn:
        batches = list(islice(drawn, 1 if setting.quick else 8))
    state = begin(config, setting.device)
    updater = Updater(config, state)

    def work() -> None:
        for batch in batches:
            updater.update(batch, config.learning_rate)

    rate = per_second(work, setting, len(batches))
    yield Finding(f"updates alone, {config.autocast}", rate, "steps/s")


def going_on(setting: Setting) -> Findings:
    """Weights of a run that was cut off in the middle, against those of one that was not."""
    steps = 2 if setting.quick else 20
    config = replace(_config(setting, autocast=Autocast.BF16), minutes=None, steps=steps)
    whole = _weights(config, setting.folder / "whole", None)
    again = _weights(config, setting.folder / "again", None)
    resumed = _weights(config, setting.folder / "cut", steps // 2)
    # Sums in an order that no run repeats would show here; then resuming cannot be exact either.
    yield Finding("the same run twice: weights, most apart", _apart(whole, again))
    yield Finding(f"cut off at step {steps // 2}: weights, most apart", _apart(whole, resumed))
    excess = max(0.0, _apart(whole, resumed) - 2 * _apart(whole, again))
    yield Finding("apart beyond what a repetition is", excess, at_most=0)


def _weights(config: TrainingConfig, folder: Path, stop_at: int | None) -> dict[str, torch.Tensor]:
    if stop_at is not None:
        left = iter(range(stop_at - 1, -1, -1))
        ending = train(config, folder, lambda r: None, should_stop=lambda: next(left) == 0).ending
        assert ending is Ending.INTERRUPTED
    outcome = train(config, folder, lambda report: None)
    assert outcome.ending is Ending.COMPLETE
    return load_lifter(outcome.weights).model.state_dict()


def _apart(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> float:
    pairs = ((one[name].float(), other[name].float()) for name in one)
    return float(f"{max(float((a - b).abs().max()) for a, b in pairs):.3g}")


def _config(setting: Setting, autocast: Autocast) -> TrainingConfig:
    motion = setting.motion or motion_file(setting.folder)
    config = replace(
        read_config(CONFIG), motion=str(motion), device=setting.device_name, autocast=autocast
    )
    if not setting.quick:
        return replace(config, threads=0)
    return replace(
        config,
        model=PRESETS["small"],
        frames_per_step=54,
        window_frames={9: 1.0},
        evaluation_windows=2,
        drawing_threads=0,
        threads=1,
    )
