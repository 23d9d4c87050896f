import math

import pytest
import torch

from core.errors import ConfigInvalid
from core.models import LiftedPose
from core.skeleton import BODY
from core.training.losses import (
    MEAN_LENGTH,
    Divisors,
    LossWeights,
    lifting_loss,
    loss_terms,
    negative_log_likelihood,
)
from core.training.sampler import Batch
from tests.core.training.motion_files import standing

ONLY_POSITION = LossWeights(shape=0, bone=0, velocity=0, likelihood=0)


def make_batch(frames: int = 3) -> Batch:
    generator = torch.Generator().manual_seed(0)
    joints = torch.randn(2, frames, 28, 3, generator=generator)
    present = torch.ones(2, frames, dtype=torch.bool)
    return Batch(
        rays=torch.zeros(2, frames, 33, 2),
        confidence=torch.ones(2, frames, 33),
        time_s=torch.zeros(2, frames),
        joints_m=joints,
        present=present,
    )


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


def test_a_longer_left_bone_is_asymmetric_and_a_turned_one_is_not():
    batch = make_batch()
    rest = torch.from_numpy(standing()).expand(2, 3, 28, 3)
    only = LossWeights(position=0, shape=0, bone=0, symmetry=1, velocity=0, likelihood=0)
    assert float(lifting_loss(pose_of(rest), batch, only)) == pytest.approx(0, abs=1e-6)
    longer = rest.clone()
    hand, wrist = BODY.index("left_hand"), BODY.index("left_wrist")
    bone = rest[..., hand, :] - rest[..., wrist, :]
    longer[..., hand, :] = rest[..., wrist, :] + bone * (1 + 0.03 / bone.norm(dim=-1, keepdim=True))
    pairs = sum(name.startswith("left_") for name in BODY.names)
    assert float(lifting_loss(pose_of(longer), batch, only)) == pytest.approx(
        0.03 / pairs, rel=1e-3
    )
    turned = longer.clone()
    turned[..., hand, :] = rest[..., wrist, :] + bone.flip(-1)
    assert float(lifting_loss(pose_of(turned), batch, only)) == pytest.approx(0, abs=1e-6)


def test_terms_without_weight_are_left_out():
    batch = make_batch()
    terms = loss_terms(pose_of(batch.joints_m), batch, ONLY_POSITION)
    assert list(terms) == ["position"]
    everything = LossWeights(symmetry=1, reprojection=1)
    assert set(loss_terms(pose_of(batch.joints_m), batch, everything)) == set(vars(everything))


def test_losses_of_parts_add_up_to_the_whole():
    batch = make_batch()
    present = torch.tensor([[True, False, False], [True, True, True]])
    batch = batch._replace(present=present)
    pose = pose_of(batch.joints_m + torch.randn(batch.joints_m.shape) * 0.1)
    weights = LossWeights(symmetry=0.3)
    divisors = Divisors.of(present)
    parts = [
        lifting_loss(
            LiftedPose(*(each[i : i + 1] for each in pose)),
            Batch(*(None if each is None else each[i : i + 1] for each in batch)),
            weights,
            divisors,
        )
        for i in range(2)
    ]
    whole = lifting_loss(pose, batch, weights)
    assert float(sum(parts)) == pytest.approx(float(whole), rel=1e-5)


@pytest.mark.parametrize(
    "weights",
    [
        {"position": -1.0},
        {"bone": math.nan},
        dict.fromkeys(("position", "shape", "bone", "velocity", "likelihood"), 0.0),
    ],
)
def test_weights_that_teach_nothing_are_refused(weights):
    with pytest.raises(ConfigInvalid, match="loss fields"):
        LossWeights(**weights)


def test_the_most_likely_scale_is_the_one_that_is_promised():
    """d/dsigma (r / b + 3 log b) = 0 at b = r / 3, so mean length / sigma = MEAN_LENGTH."""
    sigma = torch.linspace(0.01, 0.2, 20_000)
    best = sigma[negative_log_likelihood(torch.full_like(sigma, 0.08), sigma).argmin()]
    assert float(best) == pytest.approx(0.08 / MEAN_LENGTH, rel=1e-3)
    assert pytest.approx(2 * math.sqrt(2 / math.pi), abs=1e-3) == MEAN_LENGTH  # Maxwell's mean
