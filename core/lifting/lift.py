"""From 2D tracks to 3D poses: windows in, batches through the lifter, blended poses out.

Memory does not grow with the video: held are the frames of one window and of those that wait for
a common batch. Which windows share a batch depends on the video and the plan alone, never on how
the frames arrived, so the same video gives the same bits.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32

from core.cameras import Camera
from core.chunks import PoseChunk, TrackChunk
from core.lifting.batching import BatchPlanner, BatchRunner
from core.lifting.growing_poses import GrowingPoses
from core.lifting.visits import LifterInputs, Visit, find_visits, stack_inputs
from core.lifting.windows import Window, WindowPlan
from core.skeleton import KEYPOINT_NAMES

LATENCY_FRAMES = {"cpu": 100, "cuda": 240}
"""No frame waits for a fuller batch longer than this, so that progress flows. On a CPU, where a
fuller batch gains little, that also has poses lifted while the rest of a short video is searched:
at the end everybody waits for what is left."""
MOST_WINDOWS = {"cpu": 4, "cuda": 64}
"""Larger batches gain no more speed; on CPU they lose some to the caches."""


def lift_tracks(
    chunks: Iterable[TrackChunk],
    *,
    lifter: torch.nn.Module,
    planner: BatchPlanner,
    camera: Camera,
    device: torch.device,
    plan: WindowPlan | None = None,
    latency_frames: int | None = None,
    alone: torch.nn.Module | None = None,
    is_alone: Callable[[], bool] = lambda: False,
) -> Iterator[PoseChunk]:
    """Lift everybody in the tracks.

    Args:
        chunks: the video's tracks, in order, cut anyhow.
        lifter: a :class:`core.models.lifter.Lifter` or its like, on ``device``, in evaluation mode.
        planner: how many windows one batch may hold.
        camera: what took the upright frames.
        device: where the lifter is.
        plan: the grid of windows; the default one if None.
        latency_frames: lift at the latest when this many new frames have gathered; the usual number
            for the device if None.
        alone: the same lifter, making use of other cores; lifts while ``is_alone``.
        is_alone: whether other cores have nothing to do.

    Yields:
        The same frames in the same order, cut where windows settle. Joints and sigma are NaN
        where the person is absent.

    Raises:
        OutOfMemory: a single window does not fit on the device.
    """
    plan = plan or WindowPlan()
    if latency_frames is None:
        latency_frames = LATENCY_FRAMES.get(device.type, LATENCY_FRAMES["cpu"])

    def lifter_now() -> torch.nn.Module:
        return alone if alone is not None and is_alone() else lifter

    lift = _Lift(lifter_now, planner.start(device), device)
    growing = GrowingPoses()
    waiting: list[Visit] = []
    lifted_until = 0
    for window in _windows(chunks, growing, plan):
        waiting += find_visits(growing.track(window), window, camera)
        full = len(waiting) + growing.persons > planner.windows
        if full or window.stop - lifted_until >= latency_frames:
            lift(waiting, growing)
            waiting, lifted_until = [], window.stop
            yield growing.settle(plan.settled(window), keep_from=window.start)
    if growing.unsettled:
        lift(waiting, growing)
        yield growing.settle(growing.stop, keep_from=growing.stop)


def plan_batches(
    lifter: torch.nn.Module,
    *,
    device: torch.device,
    budget_mib: int,
    plan: WindowPlan | None = None,
) -> BatchPlanner:
    """Measure the lifter on full windows and choose the batch size that fits the budget.

    Raises:
        OutOfMemory: not even one window fits.
    """
    frames = (plan or WindowPlan()).size

    def lift(windows: int) -> _Lifted:
        return _through(lifter, _everything_seen(windows, frames), device)

    most = MOST_WINDOWS.get(device.type, MOST_WINDOWS["cpu"])
    return BatchPlanner.measured(lift, device=device, budget_mib=budget_mib, most_windows=most)


def _windows(
    chunks: Iterable[TrackChunk], growing: GrowingPoses, plan: WindowPlan
) -> Iterator[Window]:
    """Windows as their frames arrive, the last one once the end is known."""
    last: Window | None = None
    for chunk in chunks:
        growing.append(chunk)
        for window in plan.ready(growing.stop, ended=False, last=last):
            yield window
            last = window
    yield from plan.ready(growing.stop, ended=True, last=last)


@dataclass(frozen=True)
class _Lift:
    """Lifts the visits that wait, in batches that fit, and blends what comes back."""

    lifter_now: Callable[[], torch.nn.Module]
    runner: BatchRunner
    device: torch.device

    def __call__(self, visits: list[Visit], growing: GrowingPoses) -> None:
        if not visits:
            return
        inputs, lifter = stack_inputs(visits), self.lifter_now()

        def lift(part: slice) -> tuple[slice, _Lifted]:
            return part, _through(lifter, inputs[part], self.device)

        for part, lifted in self.runner.run(len(visits), lift):
            for visit, joints_m, sigma_m in zip(
                visits[part], lifted.joints_m, lifted.sigma_m, strict=True
            ):
                growing.blend(visit, joints_m, sigma_m)


@dataclass(frozen=True, eq=False)
class _Lifted:
    joints_m: Float32[np.ndarray, "batch frames 28 3"]
    sigma_m: Float32[np.ndarray, "batch frames 28"]


@torch.inference_mode()
def _through(lifter: torch.nn.Module, inputs: LifterInputs, device: torch.device) -> _Lifted:
    """The one place where numbers go to the device and come back, a batch at a time."""
    rays, confidence, time_s, hint_m = (
        torch.from_numpy(values).to(device, non_blocking=True)
        for values in (inputs.rays, inputs.confidence, inputs.time_s, inputs.hint_m)
    )
    pose = lifter(rays, confidence, time_s, hint_m)
    return _Lifted(pose.joints_m.float().cpu().numpy(), pose.sigma_m.float().cpu().numpy())


def _everything_seen(windows: int, frames: int) -> LifterInputs:
    """A batch in which nothing is hidden, so that nothing is saved."""
    points = (windows, frames, len(KEYPOINT_NAMES))
    time_s = np.tile(np.arange(frames, dtype=np.float32) / np.float32(30), (windows, 1))
    return LifterInputs(
        rays=np.zeros((*points, 2), np.float32),
        confidence=np.ones(points, np.float32),
        time_s=time_s,
        hint_m=np.zeros((*points, 3), np.float32),
    )
