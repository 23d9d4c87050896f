import math

import pytest
import torch

from core.models import LiftedPose
from core.training.losses import (
    MEAN_LENGTH,
    LossWeights,
    lifting_loss,
    negative_log_likelihood,
)
from core.training.sampler import Batch

ONLY_POSITION = LossWeights(shape=0, bone=0, velocity=0, likelihood=0)


def make_batch(frames: int = 3) -> Batch:
    generator = torch.Generator().manual_seed(0)
    joints = torch.randn(2, frames, 28, 3, generator=generator)
    present = torch.ones(2, frames, dtype=torch.bool)
    return Batch(
        torch.zeros(2, frames, 33, 2), torch.ones(2, frames, 33), torch.zeros(2, frames),
        joints, present,
    )  # fmt: skip


def pose_of(joints: torch.Tensor) -> LiftedPose:
    return LiftedPose(joints, torch.full(joints.shape[:-1], 0.05))


def test_position_error_is_the_mean_distance():
    batch = make_batch()
    pose = pose_of(batch.joints_m + torch.tensor([0.03, 0.0, 0.04]))
    assert float(lifting_loss(pose, batch, ONLY_POSITION)) == pytest.approx(0.05, abs=1e-5)


def test_a_steady_shift_has_no_velocity_error_and_no_bone_error():
    batch = make_batch()
    pose = pose_of(batch.joints_m + torch.tensor([0.03, 0.0, 0.04]))
    strict = LossWeights(shape=0, bone=5, velocity=5, likelihood=0)
    assert float(lifting_loss(pose, batch, strict)) == pytest.approx(0.05, abs=1e-4)


def test_shape_forgives_size():
    batch = make_batch()
    pose = pose_of(batch.joints_m * 0.8)
    plain = float(lifting_loss(pose, batch, ONLY_POSITION))
    both = float(lifting_loss(pose, batch, LossWeights(bone=0, velocity=0, likelihood=0)))
    assert both == pytest.approx(plain, abs=1e-4)


def test_absent_frames_do_not_count():
    batch = make_batch()
    wrong = batch.joints_m.clone()
    wrong[:, 1] += 100
    present = batch.present.clone()
    present[:, 1] = False
    hidden = batch._replace(present=present)
    weights = LossWeights(likelihood=0)
    assert float(lifting_loss(pose_of(wrong), hidden, weights)) == pytest.approx(0, abs=1e-5)


def test_the_most_likely_scale_is_the_one_that_is_promised():
    """d/dsigma (r / b + 3 log b) = 0 at b = r / 3, so mean length / sigma = MEAN_LENGTH."""
    sigma = torch.linspace(0.01, 0.2, 20_000)
    best = sigma[negative_log_likelihood(torch.full_like(sigma, 0.08), sigma).argmin()]
    assert float(best) == pytest.approx(0.08 / MEAN_LENGTH, rel=1e-3)
    assert pytest.approx(2 * math.sqrt(2 / math.pi), abs=1e-3) == MEAN_LENGTH  # Maxwell's mean
