from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.evaluation.examples import Example
from core.evaluation.pictures import draw_example
from core.evaluation.predictions import scored_joints
from core.evaluation.stretches import ClipPoses
from core.skeleton import BODY
from core.training.formats.joint_layouts import CMU28
from tests.core.training.motion_files import standing

POSE_M = (standing() - standing()[BODY.root]) * np.float32([1, -1, -1])


def example(frames: int = 7, sigma_m: float | None = 0.03, *, seen: bool = True) -> Example:
    truth = np.repeat(POSE_M[None], frames, 0)
    points = np.random.default_rng(0).uniform(100, 500, (frames, 33, 2))
    points[:, :5] = np.nan
    stretch = ClipPoses(
        clip="01_01", action="walk", predicted_m=truth + np.float32(0.02), truth_m=truth,
        time_s=None, sigma_m=None if sigma_m is None else np.full(truth.shape[:2], sigma_m),
        seen=points if seen else None,
    )  # fmt: skip
    return Example("median", stretch, 35.0)


def pixels(out: Path) -> np.ndarray:
    with Image.open(out) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def draw(tmp_path: Path, name: str, drawn: Example) -> np.ndarray:
    draw_example(drawn, scored_joints(CMU28), tmp_path / name)
    return pixels(tmp_path / name)


def test_three_moments_with_sigma_and_input_are_drawn(tmp_path):
    whole = draw(tmp_path, "a.png", example())
    assert whole.shape == (972, 900, 3)
    unsure = draw(tmp_path, "b.png", example(sigma_m=0.15))
    assert np.abs(whole - unsure)[:, 330:].sum() > 100_000  # larger discs, in the 3D panels
    blind = draw(tmp_path, "c.png", example(seen=False))
    assert np.abs(whole - blind)[:, :300].sum() > 100_000
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("drawn", [example(frames=1), example(sigma_m=None)])
def test_short_clips_and_methods_without_sigma_can_be_drawn(tmp_path, drawn):
    assert draw(tmp_path, "a.png", drawn).min() < 100


def test_moments_without_a_prediction_are_passed_over(tmp_path):
    drawn = example()
    drawn.stretch.predicted_m[:5] = np.nan
    assert draw(tmp_path, "a.png", drawn).shape[0] == 666  # two frames are left
