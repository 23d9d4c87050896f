import pytest
import torch

from core.skeleton import BODY, KEYPOINT_NAMES
from core.training.reprojection import reprojection_m
from tests.core.training.motion_files import walking

SHARED = [name for name in KEYPOINT_NAMES if name in BODY.names]


def seen_from(root, frames=2):
    """Joints in the camera frame, and rays of exactly the keypoints that are joints."""
    world = torch.from_numpy(walking(frames, 0)).float() * torch.tensor([1.0, -1.0, -1.0])
    joints = (world - world[:, BODY.root, None])[None]
    points = joints + torch.tensor(root)
    rays = torch.full((1, frames, 33, 2), torch.nan)
    confidence = torch.zeros(1, frames, 33)
    for name in SHARED:
        spot, joint = KEYPOINT_NAMES.index(name), BODY.index(name)
        rays[:, :, spot] = points[:, :, joint, :2] / points[:, :, joint, 2:]
        confidence[:, :, spot] = 0.8
    return joints, rays, confidence


@pytest.mark.parametrize("root", [[0.0, 0.0, 4.0], [1.5, -0.6, 3.0], [0.2, 0.1, 12.0]])
def test_the_true_body_fits_its_rays_wherever_it_stands(root):
    assert reprojection_m(*seen_from(root)).max() < 2e-3


def test_a_joint_beside_its_ray_counts_in_metres():
    joints, rays, confidence = seen_from([0.0, 0.0, 4.0])
    wrong = joints.clone()
    wrong[:, :, BODY.index("left_wrist"), 0] += 0.24
    apart = reprojection_m(wrong, rays, confidence)
    # One of twelve joints, less what moving the whole body makes good.
    assert 0.02 < float(apart[0, 0]) < 0.04
    without = confidence.clone()
    without[..., KEYPOINT_NAMES.index("left_wrist")] = 0
    assert reprojection_m(wrong, rays, without).max() < 2e-3


def test_depth_along_the_ray_is_free_and_gradients_pull_sideways():
    joints, rays, confidence = seen_from([0.0, 0.0, 4.0])
    wrong = joints.clone()
    wrong[:, :, BODY.index("left_wrist"), 0] += 0.24
    wrong.requires_grad_(requires_grad=True)
    reprojection_m(wrong, rays, confidence).sum().backward()
    pull = wrong.grad[0, 0, BODY.index("left_wrist")]
    assert pull[0] > 0.05
    assert pull[2].abs() < 0.2 * pull[0]


def test_frames_with_too_few_keypoints_say_nothing_and_break_nothing():
    joints, rays, confidence = seen_from([0.0, 0.0, 4.0], frames=3)
    confidence[:, 1] = 0
    rays[:, 2] = 0.1  # all on one ray
    joints.requires_grad_(requires_grad=True)
    apart = reprojection_m(joints, rays, confidence)
    assert apart[0, 1] == 0
    apart.sum().backward()
    assert torch.isfinite(joints.grad).all()
