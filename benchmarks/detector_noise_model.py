"""The detector that training plays, as runs that can be measured like the real one's.

Captured motion in front of cameras like those of training, at 30 frames a second: once exactly and
once through the noise of :mod:`core.training`. Their differences are the modelled error itself,
where those of two real runs are only a lower bound.
"""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from benchmarks.detector_noise_pairs import HIPS, Pair, compare, person_scale
from benchmarks.detector_noise_runs import Run
from core.models.normalise import look_at
from core.skeleton import BODY
from core.training.dice import Dice
from core.training.landmarks import place_landmarks
from core.training.motion import load_motion
from core.training.noise import detect
from core.training.second_opinion import draw_hint
from core.training.tempo import draw_windows
from core.training.viewpoints import draw_viewpoint, to_image

_FPS = 30.0
_SECONDS = 6.0
_LONGER_SIDE_PX = 1000.0


def modelled_pairs(motion: Path, windows: int = 48, seed: int = 3) -> list[Pair]:
    """Exact against noisy, one pair a window.

    Raises:
        MotionInvalid: the file is no motion file.
    """
    dice, library = Dice(seed), load_motion(motion)
    time_s = (torch.arange(int(_SECONDS * _FPS)) / _FPS).expand(windows, -1)
    world_m = draw_windows(library, dice, time_s, change_tempo=False).positions_m
    marks_m = place_landmarks(dice, world_m, time_s, vary=torch.ones(windows, dtype=torch.bool))
    view = draw_viewpoint(dice, world_m, told=0.0)
    root = world_m[:, :, BODY.root : BODY.root + 1]
    points_m = (marks_m - root) @ view.rotation[:, None].mT + view.root_m[:, :, None]
    image = to_image(points_m, view.focal)
    noisy = detect(dice, image, points_m, time_s, view.focal, view.frame)
    hint_m = draw_hint(dice, points_m, time_s, noisy.error_m, noisy.swapped)
    exact_m = _seen_by_camera(points_m)
    pairs = []
    for row in range(windows):
        frame = view.frame[row]
        truth = _run(time_s[row], image[row], exact_m[row], noisy.confidence[row], frame)
        seen = _run(time_s[row], noisy.image[row], hint_m[row], noisy.confidence[row], frame)
        pairs.append(compare(truth, seen, person_scale(truth)))
    return pairs


def _seen_by_camera(points_m: Tensor) -> Tensor:
    """The true pose in the frame of the hint: hip-centred, a camera that looks at the hips."""
    hips = points_m[:, :, HIPS].mean(2)
    towards = look_at(hips[..., :2] / hips[..., 2:].clamp(min=0.1))
    return (points_m - hips[:, :, None]) @ towards.mT


def _run(time_s: Tensor, image: Tensor, hint_m: Tensor, confidence: Tensor, frame: Tensor) -> Run:
    def array(tensor: Tensor) -> Float64[np.ndarray, "..."]:
        return tensor.numpy().astype(np.float64)

    return Run(
        time_s=array(time_s),
        keypoints_px=array((image + frame) * _LONGER_SIDE_PX),
        hint_m=array(hint_m),
        confidence=array(confidence),
        size_px=array(2 * frame * _LONGER_SIDE_PX),
    )
