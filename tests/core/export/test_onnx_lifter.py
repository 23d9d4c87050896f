import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from core.cameras import Camera
from core.chunks import TrackChunk
from core.errors import ExtraMissing
from core.export.onnx_lifter import OnnxLifter
from core.export.parity import MOST_DIFFERENCE_M
from core.lifting.batching import BatchPlanner
from core.lifting.lift import lift_tracks
from core.models.mirror import MirrorAveraged
from core.runs import join_poses
from tests.core.tracking.walkers import figure


def track(frames: int) -> TrackChunk:
    """Two people; the second one leaves for a while, and the first has hints now and then."""
    draw = np.random.default_rng(0)
    walkers = [
        [figure(300 + 2 * i, 400, 200).keypoints_px for i in range(frames)],
        [figure(900 - 3 * i, 380, 180).keypoints_px for i in range(frames)],
    ]
    keypoints_px = np.array(walkers, np.float32)
    keypoints_px += draw.normal(0, 1, keypoints_px.shape).astype(np.float32)
    observed = np.ones((2, frames), bool)
    observed[1, 40:90] = False
    keypoints_px[~observed] = np.nan
    hint_m = draw.normal(0, 0.3, (2, frames, 33, 3)).astype(np.float32)
    hint_m[:, ::2] = np.nan
    return TrackChunk(
        frame_index=np.arange(frames),
        frame_time_s=np.arange(frames) / 30,
        keypoints_px=keypoints_px,
        confidence=np.where(observed[..., None], np.float32(0.9), np.float32(0)).repeat(33, -1),
        observed=observed,
        hint_m=hint_m,
    )


def lifted(lifter: torch.nn.Module, frames: int):
    chunks = lift_tracks(
        [track(frames)],
        lifter=lifter,
        planner=BatchPlanner(4),
        camera=Camera.assumed(1280, 720),
        device=torch.device("cpu"),
    )
    return join_poses(list(chunks))


@pytest.mark.parametrize("frames", [1, 150])
@pytest.mark.parametrize("wrap", [lambda lifter: lifter, MirrorAveraged])
def test_a_track_is_lifted_as_by_torch(loaded, onnx_content, wrap, frames):
    expected = lifted(wrap(loaded.model), frames)
    found = lifted(wrap(OnnxLifter(onnx_content)), frames)
    assert np.isfinite(expected.joints_m[0]).all()
    for name in ("joints_m", "sigma_m"):
        np.testing.assert_allclose(
            getattr(found, name), getattr(expected, name), rtol=0, atol=MOST_DIFFERENCE_M
        )


def test_out_of_memory_is_told_as_such_and_survived(tmp_path: Path, onnx_content):
    """The batch is then halved, and the process lives on."""
    (tmp_path / "lifter.onnx").write_bytes(onnx_content)
    code = """
import resource, sys, torch
from pathlib import Path
from core.export.onnx_lifter import OnnxLifter
from core.lifting.memory_cost import is_out_of_memory

def window(frames):
    rays = torch.zeros(1, frames, 33, 2)
    return rays, torch.ones(1, frames, 33), torch.arange(frames)[None] / 30, None

torch.set_num_threads(1)
lifter = OnnxLifter(Path(sys.argv[1]).read_bytes())
lifter(*window(9))
long = window(3000)  # its attention weights alone take 72 MB
taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (taken + (40 << 20),) * 2)
try:
    lifter(*long)
except MemoryError as error:
    assert is_out_of_memory(error)
    assert torch.isfinite(lifter(*window(9)).joints_m).all()
    print("survived")
"""
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "lifter.onnx"], capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("survived\n", "")


def test_a_missing_package_is_named_with_its_cure(onnx_content, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ExtraMissing, match=r"onnxruntime.*poselift\[export\]"):
        OnnxLifter(onnx_content)
