"""`poselift lift --lifter-backend onnx`."""

from pathlib import Path

import numpy as np
import pytest

from core.checkpoints import save_lifter
from scripts.cli import main
from tests.core.export.lifters import tiny


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    path, checkpoint = tmp_path / "K.npz", tmp_path / "tiny.safetensors"
    save_lifter(checkpoint, tiny().model, "tiny")
    points = np.random.default_rng(0).uniform(100, 300, (4, 17, 2))
    np.savez(path, keypoints=points, fps=30.0, width=640, height=480)
    own = ["--keypoints", str(path), "--layout", "coco17", "--checkpoint", str(checkpoint)]
    return ["lift", *own, "-q", "-o"]


def test_both_backends_lift_alike(words, tmp_path):
    poses = []
    for backend in ("torch", "onnx"):
        out = tmp_path / f"{backend}.npz"
        assert main([*words, str(out), "--lifter-backend", backend]) == 0
        with np.load(out, allow_pickle=False) as pose:
            poses.append(pose["joints_3d"])
    assert np.isfinite(poses[0]).all()
    np.testing.assert_allclose(poses[1], poses[0], rtol=0, atol=1e-4)


def test_a_gpu_is_refused(words, tmp_path, capsys):
    out = str(tmp_path / "out.npz")
    assert main([*words, out, "--lifter-backend", "onnx", "--device", "cuda"]) == 1
    assert capsys.readouterr().err.endswith("[config_invalid]\n")
