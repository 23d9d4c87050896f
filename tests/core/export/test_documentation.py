"""The snippets of `docs/export.md`, as they stand there."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from core.cameras import Camera
from core.contracts import JobOptions
from core.export.parity import MOST_DIFFERENCE_M
from core.keypoints.files import KeypointFile
from core.results.reader import read_result
from core.runtime import Runtime, RuntimeConfig
from tests.core.tracking.walkers import figure

GUIDE = (Path(__file__).parents[3] / "docs" / "export.md").read_text()
FRAMES, SIZE_PX = 60, (1280, 720)


@pytest.fixture(scope="module")
def result(checkpoint, tmp_path_factory) -> Path:
    """Somebody walks, is away for a moment, and has no left hand."""
    path = tmp_path_factory.mktemp("result") / "clip.pose.npz"
    keypoints_px = np.stack([figure(300 + 2 * i, 400, 200).keypoints_px for i in range(FRAMES)])
    keypoints_px[20:50] = np.nan
    keypoints_px[:, [15, 17, 19, 21]] = np.nan
    confidence = np.where(np.isnan(keypoints_px[..., 0]), 0, 0.9).astype(np.float32)
    walking = KeypointFile(keypoints_px, confidence, 900 + np.arange(FRAMES) / 30, *SIZE_PX)
    config = RuntimeConfig(device="cpu", pose_model=None, checkpoint=checkpoint)
    with Runtime.load(config) as runtime:
        runtime.lift_keypoints(walking, path, JobOptions())
    return path


def snippet(section: str) -> str:
    _, _, text = GUIDE.partition(f"\n## {section}\n")
    (code,) = re.findall(r"```python\n(.*?)```", text.partition("\n## ")[0], re.DOTALL)
    return code


def run(code: str, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr


def test_onnx_from_plain_numpy(result, loaded, onnx_content, tmp_path):
    """With neither torch nor this project at hand, and equal to the lifter."""
    (tmp_path / "base.onnx").write_bytes(onnx_content)
    (tmp_path / "clip.pose.npz").write_bytes(result.read_bytes())
    alone = "import sys; sys.modules['torch'] = sys.modules['core'] = None\n"
    kept = "\nnp.savez('out.npz', joints_m=joints_m, sigma_m=sigma_m, left_knee=left_knee)\n"
    run(alone + snippet("ONNX from plain numpy") + kept, tmp_path)
    with np.load(tmp_path / "out.npz") as out:
        joints_m, sigma_m, left_knee = out["joints_m"], out["sigma_m"], out["left_knee"]

    poses = read_result(result)
    rays = Camera.assumed(*SIZE_PX).rays(poses.keypoints_2d[0])
    time_s = (poses.frame_time_s - poses.frame_time_s[0]).astype(np.float32)
    with torch.inference_mode():
        expected = loaded.model(
            *(
                torch.tensor(values)[None]
                for values in (rays, poses.keypoints_confidence[0], time_s)
            )
        )
    present = (poses.keypoints_confidence[0] > 0).any(-1)
    assert 0 < present.sum() < FRAMES
    assert np.isnan(joints_m[~present]).all()
    assert np.isnan(sigma_m[~present]).all()
    for found, torch_has in ((joints_m, expected.joints_m), (sigma_m, expected.sigma_m)):
        np.testing.assert_allclose(
            found[present], torch_has[0].numpy()[present], rtol=0, atol=MOST_DIFFERENCE_M
        )
    np.testing.assert_array_equal(left_knee, joints_m[:, 19])


def test_torchscript(torchscript_content, tmp_path):
    (tmp_path / "base.pt").write_bytes(torchscript_content)
    kept = "\nassert joints_m.shape == (batch, frames, 28, 3) and joints_m.isfinite().all()\n"
    run(snippet("TorchScript") + kept, tmp_path)


def test_the_guide_names_every_error_and_input(onnx_content):
    import onnx

    from core import errors

    model = onnx.load_model_from_string(onnx_content)
    about = json.loads(model.metadata_props[0].value)
    for name in about["meaning"]:
        assert f"| `{name}` |" in GUIDE
    for kind in (errors.OutputExists, errors.ExtraMissing, errors.ExportInexact):
        assert f"`{kind.code}`" in GUIDE
