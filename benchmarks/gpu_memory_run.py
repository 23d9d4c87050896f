"""A worker's runtime within a budget, in a process of its own; says how much it took.

``python -m benchmarks.gpu_memory_run DEVICE BUDGET_MIB CACHE_FOLDER LIFTER POSE_MODEL FRAMES
VIDEO`` (``-`` for none) writes ``ready``, waits for a line, works, and writes one line of JSON.
"""

import json
import sys
import tempfile
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from time import perf_counter

import numpy as np
import torch

from benchmarks.gpu_material import keypoint_file
from core.contracts import JobOptions, PoseModel
from core.lifting.memory_cost import MIB
from core.runtime import Runtime, RuntimeConfig

BEYOND = 1.05
"""How far peak memory may be above the budget."""


@dataclass(frozen=True)
class Took:
    """What a worker took, and how fast it was.

    Attributes:
        reserved_mib: peak of what the allocator held; 0 on a CPU.
        device_mib: by how much less of the device was free afterwards, CUDA's own part included;
            of no meaning when others work on it as well.
        frames_per_s: lifted from 2D that was there, from start to end of a job.
        video_fps: of a video from end to end; 0 without one.
        digest: of the joints.
        refuses_more: whether the allocator refused a block beyond the budget.
    """

    reserved_mib: float
    device_mib: float
    frames_per_s: float
    video_fps: float
    digest: str
    refuses_more: bool


def main(words: list[str]) -> int:
    """Load, wait for the word, work, tell."""
    device, budget_mib, cache_folder, lifter, pose_model, frames, video = words
    on_gpu = device == "cuda"
    free_bytes = torch.cuda.mem_get_info()[0] if on_gpu else 0
    config = RuntimeConfig(
        device="cuda" if on_gpu else "cpu",
        cache_dir=Path(cache_folder),
        checkpoint=Path(lifter),
        pose_model=None if video == "-" else PoseModel(pose_model),
        pose_backend="torch",
        vram_budget_mib=int(budget_mib),
        host_budget_mib=int(budget_mib),
    )
    with tempfile.TemporaryDirectory() as folder, Runtime.load(config) as runtime:
        keypoints = keypoint_file(Path(folder), int(frames))
        print("ready", flush=True)
        sys.stdin.readline()
        result, options = Path(folder) / "poses.npz", JobOptions(pose_model=PoseModel(pose_model))
        start_s = perf_counter()
        runtime.lift_keypoints(keypoints, result, options)
        seconds = perf_counter() - start_s
        with np.load(result) as fields:
            digest = sha256(fields["joints_3d"].tobytes()).hexdigest()[:16]
        video_fps = 0.0
        if video != "-":
            summary = runtime.lift_video(Path(video), result, options)
            video_fps = round(summary.frames / summary.seconds, 1)
        took = Took(
            reserved_mib=_reserved_mib() if on_gpu else 0.0,
            device_mib=round((free_bytes - torch.cuda.mem_get_info()[0]) / MIB) if on_gpu else 0.0,
            frames_per_s=round(int(frames) / seconds, 1),
            video_fps=video_fps,
            digest=digest,
            refuses_more=on_gpu and _refuses(int(budget_mib)),
        )
    print(json.dumps(asdict(took)))
    return 0


def _reserved_mib() -> float:
    return round(torch.cuda.max_memory_reserved() / MIB, 1)


def _refuses(budget_mib: int) -> bool:
    """Whether the allocator itself stands behind the budget."""
    try:
        torch.empty(int(BEYOND * budget_mib * MIB), dtype=torch.uint8, device="cuda")
    except torch.OutOfMemoryError:
        return True
    return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
