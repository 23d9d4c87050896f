"""The lifter on a device: the same answers as on a CPU, rates, and what it does without memory."""

from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import torch
from torch import nn

from benchmarks.gpu_material import SIZE_PX, track, windows
from benchmarks.gpu_shortage import Observed, allocated_mib, only_this_much_more
from benchmarks.gpu_step import Finding, Findings, Setting, per_second
from core.cameras import Camera
from core.checkpoints import load_lifter
from core.chunks import TrackChunk
from core.errors import LiftError
from core.lifting.batching import BatchPlanner
from core.lifting.lift import lift_tracks, plan_batches
from core.lifting.windows import WindowPlan
from core.models import Lifter
from core.models.config import PRESETS
from core.models.mirror import MirrorAveraged
from core.runtime import HOST_BUDGET_MIB
from core.training.precision import Autocast, Precision

_FRAMES = WindowPlan().size
_BATCHES = (1, 8, 64, 256)
_PLENTY_MIB = 4096


def same_answers(setting: Setting) -> Findings:
    """Against single precision on the CPU; a worker lifts in single precision, too."""
    batch = windows(setting.folder, 2 if setting.quick else 16, _FRAMES)
    all_inputs = (batch.rays, batch.confidence, batch.time_s, batch.hint_m)
    inputs = [values for values in all_inputs if values is not None]
    for name in ("small",) if setting.quick else ("small", "base"):
        network = MirrorAveraged(load_lifter(Path(name)).model)
        with torch.inference_mode():
            expected = network(*inputs)
            there = deepcopy(network).to(setting.device)
            for autocast in Autocast:
                with Precision(autocast, setting.device).lifting():
                    seen = there(*(values.to(setting.device) for values in inputs))
                apart_mm = 1000 * (seen.joints_m.float().cpu() - expected.joints_m).norm(dim=-1)
                limit_mm = 0.1 if autocast is Autocast.OFF else None
                for what, value in (("mean", apart_mm.mean()), ("most", apart_mm.max())):
                    words = f"{name}, {_words(autocast)}: joints, {what}"
                    yield Finding(words, float(f"{value:.3g}"), "mm", at_most=limit_mm)


def same_in_any_batch(setting: Setting) -> Findings:
    """The same people in batches of every size that a budget could lead to."""
    network = _packaged(setting)
    people = _people(setting)
    expected = None
    for most in (1, 3) if setting.quick else (1, 5, 17, 64):
        joints_m = _lift(network, people, BatchPlanner(most), setting)
        expected = joints_m if expected is None else expected
        apart_mm = float(1000 * np.abs(joints_m - expected).max())
        words = f"batches of {most}: joints, most"
        yield Finding(words, float(f"{apart_mm:.3g}"), "mm", at_most=0.1)


def rates(setting: Setting) -> Findings:
    """Frames a second through the network, averaged with the mirror image as in a job."""
    sizes = ("small",) if setting.quick else ("small", "base", "large")
    batches = (1, 2) if setting.quick else _BATCHES
    batch = windows(setting.folder, max(batches), _FRAMES).to(setting.device)
    for size, autocast in product(sizes, Autocast):
        torch.manual_seed(0)
        network = MirrorAveraged(Lifter(PRESETS[size]).eval()).to(setting.device)
        for count in batches:
            inputs = (batch.rays, batch.confidence, batch.time_s, batch.hint_m)
            few = [values[:count] for values in inputs if values is not None]
            with torch.inference_mode(), Precision(autocast, setting.device).lifting():
                rate = per_second(partial(network, *few), setting, count * _FRAMES)
            words = f"{size}, {_words(autocast)}, batches of {count} x {_FRAMES}"
            yield Finding(words, rate, "frames/s")
    yield from _as_in_a_job(setting)


def _as_in_a_job(setting: Setting) -> Findings:
    """From 2D tracks to blended joints on the host, windows overlapping."""
    network, people = _packaged(setting), _people(setting)
    budget_mib = _PLENTY_MIB if setting.has_gpu else HOST_BUDGET_MIB
    planner = plan_batches(network, device=setting.device, budget_mib=budget_mib)
    amount = len(people) * people.persons
    rate = per_second(lambda: _lift(network, people, planner, setting), setting, amount)
    words = f"base as in a job, {people.persons} people, batches of {planner.windows}"
    yield Finding(words, rate, "frames/s")


def out_of_memory(setting: Setting) -> Findings:
    """Batches halve, joints stay the same, memory comes back, one window too many is an error."""
    if not setting.has_gpu:
        yield Finding("memory", "a stand-in for the device refuses batches; real on a GPU only")
    network, people = _packaged(setting), _people(setting)
    most = 4 if setting.quick else 64
    expected = _lift(network, people, BatchPlanner(most), setting)
    resting_mib = allocated_mib(setting.device)
    budget_mib = _PLENTY_MIB if setting.has_gpu else HOST_BUDGET_MIB
    cost = plan_batches(network, device=setting.device, budget_mib=budget_mib).cost
    window_mib = cost.per_window_bytes / 2**20 if cost is not None else 0.0
    yield Finding("a window costs", round(window_mib, 2), "MiB")
    # Blocks are handed out in lumps of 20 MiB.
    short = Observed(network, None if setting.has_gpu else 1)
    with _scarce(setting, mib=max(40, round(6 * window_mib))):
        joints_m = _lift(short, people, BatchPlanner(most), setting)
    yield Finding("largest batch that fitted", max(short.batches), "windows", at_most=most - 1)
    apart_mm = float(1000 * np.abs(joints_m - expected).max())
    yield Finding("joints in smaller batches, most", float(f"{apart_mm:.3g}"), "mm", at_most=0.1)
    yield _still_allocated(setting, "left allocated afterwards", resting_mib)
    with _scarce(setting, mib=0):
        yield Finding("one window and no memory", _code_of(setting, network, people))
    yield _still_allocated(setting, "left allocated after the error", resting_mib)
    again_m = _lift(network, people, BatchPlanner(most), setting)
    apart_mm = float(1000 * np.abs(again_m - expected).max())
    yield Finding("joints of the next job, most", float(f"{apart_mm:.3g}"), "mm", at_most=0.1)


def _code_of(setting: Setting, network: nn.Module, people: TrackChunk) -> str:
    greedy = network if setting.has_gpu else Observed(network, 0)
    try:
        _lift(greedy, people, BatchPlanner(1), setting)
    except LiftError as error:
        return f"error {error.code}"
    return "did not run out of memory"


def _still_allocated(setting: Setting, what: str, resting_mib: float) -> Finding:
    left_mib = round(allocated_mib(setting.device) - resting_mib, 2)
    return Finding(what, left_mib, "MiB", at_most=1) if setting.has_gpu else Finding(what, "-")


def _scarce(setting: Setting, *, mib: int) -> AbstractContextManager[None]:
    return only_this_much_more(setting.device, mib=mib) if setting.has_gpu else nullcontext()


def _lift(
    network: nn.Module, people: TrackChunk, planner: BatchPlanner, setting: Setting
) -> np.ndarray:
    poses = lift_tracks(
        [people],
        lifter=network,
        planner=planner,
        camera=Camera.assumed(*SIZE_PX),
        device=setting.device,
        latency_frames=len(people),
    )
    return np.concatenate([chunk.joints_m for chunk in poses], axis=1)


def _people(setting: Setting) -> TrackChunk:
    return track(setting.folder, *((2, 190) if setting.quick else (4, 2000)))


def _packaged(setting: Setting) -> nn.Module:
    return MirrorAveraged(load_lifter(setting.lifter).model).to(setting.device)


def _words(autocast: Autocast) -> str:
    return "fp32" if autocast is Autocast.OFF else f"{autocast} autocast"
