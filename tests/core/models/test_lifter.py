import pytest
import torch

from core.skeleton import BODY
from tests.core.models.inputs import Inputs, make_inputs, make_lifter

TOLERANCE_M = 2e-5


@pytest.mark.parametrize("frames", [1, 2, 9, 27, 81])
def test_any_window_length_gives_one_pose_a_frame(frames):
    pose = make_lifter()(*make_inputs(2, frames))
    assert pose.joints_m.shape == (2, frames, 28, 3)
    assert pose.sigma_m.shape == (2, frames, 28)
    assert torch.isfinite(pose.joints_m).all()
    assert (pose.sigma_m > 0).all()


def test_the_pelvis_is_the_origin():
    pose = make_lifter()(*make_inputs(2, 5))
    assert (pose.joints_m[:, :, BODY.root] == 0).all()
    assert pose.joints_m.abs().amax() > 0.01


def test_batched_equals_single():
    lifter, inputs = make_lifter(), make_inputs(4, 9)
    together = lifter(*inputs)
    for row in range(4):
        alone = lifter(*(tensor[row : row + 1] for tensor in inputs))
        torch.testing.assert_close(alone.joints_m[0], together.joints_m[row], atol=1e-5, rtol=0)
        torch.testing.assert_close(alone.sigma_m[0], together.sigma_m[row], atol=1e-5, rtol=0)


@pytest.mark.parametrize("rubbish", [0.0, float("nan"), 1e6])
def test_padding_changes_nothing(rubbish):
    lifter, inputs = make_lifter(), make_inputs(2, 7)
    plain = lifter(*inputs)
    longer = Inputs(
        torch.cat([inputs.rays, torch.full((2, 5, 33, 2), rubbish)], 1),
        torch.cat([inputs.confidence, torch.zeros(2, 5, 33)], 1),
        torch.cat([inputs.time_s, torch.full((2, 5), rubbish)], 1),
    )
    padded = lifter(*longer)
    torch.testing.assert_close(padded.joints_m[:, :7], plain.joints_m, atol=TOLERANCE_M, rtol=0)
    torch.testing.assert_close(padded.sigma_m[:, :7], plain.sigma_m, atol=TOLERANCE_M, rtol=0)


def test_an_absent_frame_in_the_middle_is_as_if_it_were_not_there():
    lifter, inputs = make_lifter(), make_inputs(1, 9)
    confidence = inputs.confidence.clone()
    confidence[:, 4] = 0
    with_gap = lifter(inputs.rays, confidence, inputs.time_s)
    keep = [0, 1, 2, 3, 5, 6, 7, 8]
    without = lifter(*(tensor[:, keep] for tensor in inputs))
    torch.testing.assert_close(
        with_gap.joints_m[:, keep], without.joints_m, atol=TOLERANCE_M, rtol=0
    )


def test_unknown_keypoints_may_hold_anything():
    lifter, inputs = make_lifter(), make_inputs(2, 5)
    confidence = inputs.confidence.clone()
    confidence[:, :, 7] = 0
    poses = []
    for value in (0.0, float("nan"), float("inf"), -1e9):
        rays = inputs.rays.clone()
        rays[:, :, 7] = value
        poses.append(lifter(rays, confidence, inputs.time_s).joints_m)
    for pose in poses:
        assert torch.equal(pose, poses[0])
    assert not torch.equal(poses[0], lifter(*inputs).joints_m)


def test_a_nan_under_positive_confidence_counts_as_unknown():
    lifter, inputs = make_lifter(), make_inputs(1, 5)
    rays, confidence = inputs.rays.clone(), inputs.confidence.clone()
    rays[:, 2, 3] = float("nan")
    marked = lifter(rays, confidence, inputs.time_s)
    confidence[:, 2, 3] = 0
    assert torch.equal(marked.joints_m, lifter(rays, confidence, inputs.time_s).joints_m)


def test_a_window_without_anybody_does_not_poison_its_batch():
    lifter, inputs = make_lifter(), make_inputs(2, 6)
    confidence = inputs.confidence.clone()
    confidence[1] = 0
    pose = lifter(inputs.rays, confidence, inputs.time_s)
    alone = lifter(*(tensor[:1] for tensor in inputs))
    torch.testing.assert_close(pose.joints_m[:1], alone.joints_m, atol=1e-5, rtol=0)


def test_only_time_differences_matter():
    lifter, inputs = make_lifter(), make_inputs(2, 9)
    early = lifter(*inputs)
    late = lifter(inputs.rays, inputs.confidence, inputs.time_s.double() + 36_000)
    torch.testing.assert_close(late.joints_m, early.joints_m, atol=TOLERANCE_M, rtol=0)
    slower = lifter(inputs.rays, inputs.confidence, inputs.time_s * 3)
    assert (slower.joints_m - early.joints_m).abs().amax() > 1e-4


def test_other_frames_are_heard():
    lifter, inputs = make_lifter(), make_inputs(1, 9)
    rays = inputs.rays.clone()
    rays[:, 8] += torch.randn(33, 2, generator=torch.Generator().manual_seed(5)) * 0.1
    changed = lifter(rays, inputs.confidence, inputs.time_s).joints_m
    assert (changed[:, 0] - lifter(*inputs).joints_m[:, 0]).abs().amax() > 1e-5
