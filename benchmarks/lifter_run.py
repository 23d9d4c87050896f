"""One lifter in a process where nothing was measured before: how fast, how much memory."""

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import psutil
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.lifter_peers import JOINTS, AttentionAndGraphs, TemporalConvolutions
from benchmarks.measurement import resident_peak_bytes
from core.cameras import Camera
from core.checkpoints import load_lifter
from core.chunks import TrackChunk
from core.lifting.batching import BatchPlanner
from core.lifting.lift import MOST_WINDOWS, lift_tracks
from core.lifting.memory_cost import MIB, LiveTensorBytes
from core.lifting.windows import WindowPlan
from core.models.mirror import MirrorAveraged

FPS = 30

Lifts = Callable[[], object]


@dataclass(frozen=True)
class Cost:
    """Of lifting some clips with one lifter.

    Attributes:
        parameters_k: thousands of weights.
        madds_k: thousands of multiply-adds per frame of a clip, products of matrices alone.
        ms_per_frame: the least of a few runs; processor time of one core, on a GPU wall time.
        tensors_mib: peak of live tensors beyond the weights; on a GPU as its allocator counts.
        process_mib: by how much the process grew at most; 0 on a GPU.
    """

    parameters_k: int
    madds_k: int
    ms_per_frame: float
    tensors_mib: float
    process_mib: float


@dataclass(frozen=True)
class Contestant:
    """A network, and how clips go through it.

    Attributes:
        network: on the device, in evaluation mode.
        lift: lifts so many clips of so many frames.
    """

    network: nn.Module
    lift: Callable[[int, int], object]


def contestant(name: str, device: torch.device) -> Contestant:
    """By its name, which is ``LIFTER``, ``LIFTER mirrored`` or, for ours, ``LIFTER in a job``."""
    which, _, how = name.partition(" ")
    if which in ("videopose3d", "agformer"):
        peer = TemporalConvolutions() if which == "videopose3d" else AttentionAndGraphs()
        window = None if which == "videopose3d" else AttentionAndGraphs.FRAMES
        network = peer.eval().requires_grad_(requires_grad=False).to(device)
        return Contestant(network, partial(_peer, network, window, how == "mirrored", device))
    ours = load_lifter(Path(which)).model
    network = (MirrorAveraged(ours) if how else ours).to(device)
    lift = _job if how == "in a job" else _network
    return Contestant(network, partial(lift, network, device))


def cost(name: str, clips: int, frames: int, device_name: str, seconds: float) -> Cost:
    """Measure; the process must be fresh."""
    device = torch.device(device_name)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    one = contestant(name, device)
    lift = partial(one.lift, clips, frames)
    one.lift(1, 9)  # what only the first run allocates
    before_bytes = psutil.Process().memory_info().rss
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    resting_bytes = torch.cuda.memory_allocated(device) if device.type == "cuda" else 0
    took_s = _least_s(lift, device, seconds)
    peak_bytes = resident_peak_bytes(resource.getrusage(resource.RUSAGE_SELF))
    tensors_bytes = 0
    if device.type == "cuda":
        tensors_bytes = torch.cuda.max_memory_allocated(device) - resting_bytes
    # The fused attention of a CPU is one operation that the counter does not know.
    with (
        sdpa_kernel(SDPBackend.MATH),
        FlopCounterMode(display=False) as counter,
        LiveTensorBytes() as live,
    ):
        lift()
    return Cost(
        parameters_k=round(sum(each.numel() for each in one.network.parameters()) / 1e3),
        madds_k=round(counter.get_total_flops() / 2 / (clips * frames) / 1e3),
        ms_per_frame=1000 * took_s / (clips * frames),
        tensors_mib=round((tensors_bytes or live.peak_bytes) / MIB, 1),
        process_mib=0.0 if tensors_bytes else round(max(0, peak_bytes - before_bytes) / MIB, 1),
    )


@torch.inference_mode()
def _peer(
    network: nn.Module,
    window: int | None,
    twice: bool,
    device: torch.device,
    clips: int,
    frames: int,
) -> None:
    """Clips from the host and back, whole or in windows that follow each other."""
    keypoints = torch.rand(clips, frames, JOINTS, 2)
    if window is not None and frames >= window:
        keypoints = keypoints.view(clips * frames // window, window, JOINTS, 2)
    for _ in range(1 + twice):
        network(keypoints.to(device)).cpu()


@torch.inference_mode()
def _network(network: nn.Module, device: torch.device, clips: int, frames: int) -> None:
    """The network alone, in windows that follow each other."""
    window = min(frames, WindowPlan().size)
    windows = clips * frames // window
    inputs = (
        torch.rand(windows, window, 33, 2) - 0.5,
        torch.ones(windows, window, 33),
        torch.arange(window).repeat(windows, 1) / FPS,
        torch.rand(windows, window, 33, 3) - 0.5,
    )
    for values in network(*(values.to(device) for values in inputs)):
        values.cpu()


def _job(network: nn.Module, device: torch.device, clips: int, frames: int) -> None:
    """As in a job: windows overlap and are blended, batches are small; clips are people."""
    rng = np.random.default_rng(0)
    track = TrackChunk(
        frame_index=np.arange(frames),
        frame_time_s=np.arange(frames) / FPS,
        keypoints_px=rng.uniform(100, 600, (clips, frames, 33, 2)).astype(np.float32),
        confidence=np.ones((clips, frames, 33), np.float32),
        observed=np.ones((clips, frames), bool),
        hint_m=rng.uniform(-0.5, 0.5, (clips, frames, 33, 3)).astype(np.float32),
    )
    planner = BatchPlanner(MOST_WINDOWS[device.type])
    camera = Camera.assumed(1280, 720)
    poses = lift_tracks([track], lifter=network, planner=planner, camera=camera, device=device)
    assert sum(map(len, poses)) == frames


def _least_s(lift: Lifts, device: torch.device, seconds: float) -> float:
    on_gpu = device.type == "cuda"
    clock = time.perf_counter if on_gpu else time.process_time
    least_s, runs, start_s = float("inf"), 0, time.perf_counter()
    while runs == 0 or time.perf_counter() - start_s < seconds:
        begun_s = clock()
        lift()
        least_s, runs = min(least_s, clock() - begun_s), runs + 1
    return least_s
