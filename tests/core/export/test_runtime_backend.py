"""ONNX Runtime in the lifter's place, from the setting to the result file."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.contracts import JobOptions
from core.errors import ConfigInvalid, ExtraMissing
from core.export.parity import MOST_DIFFERENCE_M
from core.keypoints.files import KeypointFile
from core.results.reader import read_result
from core.runtime import Runtime, RuntimeConfig
from tests.core.tracking.walkers import figure


def walking(frames: int) -> KeypointFile:
    keypoints_px = np.stack([figure(300 + 2 * i, 400, 200).keypoints_px for i in range(frames)])
    keypoints_px[50:55], keypoints_px[80:120] = np.nan, np.nan
    confidence = np.full((frames, 33), 0.9, np.float32)
    return KeypointFile(keypoints_px, confidence, np.arange(frames) / 30, 640, 480)


def config(checkpoint: Path | None, **choices: Any) -> RuntimeConfig:
    return RuntimeConfig(pose_model=None, checkpoint=checkpoint, **choices)


def test_results_are_those_of_torch(checkpoint, tmp_path):
    results = []
    for backend in ("torch", "onnx"):
        path = tmp_path / f"{backend}.npz"
        with Runtime.load(config(checkpoint, lifter_backend=backend, device="cpu")) as runtime:
            assert runtime.device == "cpu"
            runtime.lift_keypoints(walking(150), path, JobOptions())
        results.append(read_result(path))
    by_torch, by_onnx = results
    assert np.isfinite(by_torch.joints_3d).any()
    for name in ("joints_3d", "joints_3d_sigma"):
        np.testing.assert_allclose(
            getattr(by_onnx, name), getattr(by_torch, name), rtol=0, atol=MOST_DIFFERENCE_M
        )
    assert by_onnx.manifest.models == by_torch.manifest.models


def test_it_does_not_run_on_a_gpu(checkpoint):
    with pytest.raises(ConfigInvalid, match="device cpu, or the backend torch"):
        Runtime.load(config(checkpoint, lifter_backend="onnx", device="cuda"))


def test_a_missing_package_is_named_with_its_cure(checkpoint, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ExtraMissing, match=r"poselift\[export\]"):
        Runtime.load(config(checkpoint, lifter_backend="onnx"))
