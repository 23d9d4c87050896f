"""Joints on the lines of sight of their keypoints."""

import pytest
import torch

from core.models import Lifter
from core.models.config import PRESETS
from core.models.lines_of_sight import LinesOfSight, joint_places
from core.models.normalise import centre_weights, centred_view, size_weights
from core.skeleton import BODY, KEYPOINT_NAMES

HIPS = [KEYPOINT_NAMES.index(f"{side}_hip") for side in ("left", "right")]
OF_ONE_KEYPOINT = [
    BODY.index(f"{side}_{part}")
    for side in ("left", "right")
    for part in ("shoulder", "elbow", "knee", "ankle")
]


@pytest.fixture
def scene():
    """Points in the camera frame, their view, and the module with the right depth and no doubt."""
    generator = torch.Generator().manual_seed(0)
    points_m = torch.randn(1, 1, 33, 3, generator=generator) * 0.4
    # The image of a middle is the middle of images only if both are equally far away.
    points_m[..., HIPS[1], :] = points_m[..., HIPS[0], :]
    points_m = points_m + torch.tensor([0.8, -0.3, 4.0])
    confidence = torch.ones(1, 1, 33)
    rays = points_m[..., :2] / points_m[..., 2:]
    view = centred_view(rays, confidence, centre_weights(), size_weights())
    seen_m = points_m @ view.rotation.mT
    joints_m = joint_places() @ seen_m
    pelvis_m = joints_m[..., BODY.root, :]
    sight = LinesOfSight(joint_channels=2, token_channels=3)
    with torch.no_grad():
        sight.scale.bias[0] = (view.log_size.exp() * pelvis_m[..., 2]).log().squeeze()
        sight.trust_bias.fill_(30.0)
    return sight, view, joints_m - pelvis_m[..., None, :]


def through(sight, view, joints_m):
    return sight(joints_m, torch.zeros(len(BODY), 1, 2), torch.zeros(1, 1, 3), view)


def test_right_depths_give_the_right_places(scene):
    sight, view, joints_m = scene
    wrong = joints_m.clone()
    wrong[..., :2] += 0.3
    found = through(sight, view, wrong)
    torch.testing.assert_close(
        found[..., OF_ONE_KEYPOINT, :], joints_m[..., OF_ONE_KEYPOINT, :], atol=1e-5, rtol=0
    )


def test_an_unseen_keypoint_leaves_its_joints_alone(scene):
    sight, view, joints_m = scene
    wrong = joints_m + 0.3
    confidence = view.confidence.clone()
    confidence[..., KEYPOINT_NAMES.index("left_knee")] = 0
    found = through(sight, view._replace(confidence=confidence), wrong)
    moved = (found - wrong).norm(dim=-1).squeeze() > 1e-6
    assert not moved[BODY.index("left_knee")]
    assert moved[BODY.index("right_knee")]


def test_without_hips_there_is_nothing_to_be_relative_to(scene):
    sight, view, joints_m = scene
    confidence = view.confidence.clone()
    confidence[..., HIPS[0]] = 0
    wrong = joints_m + 0.3
    assert torch.equal(through(sight, view._replace(confidence=confidence), wrong), wrong)


def test_places_are_means():
    """Rows that sum to 1 place joints rightly wherever the person stands."""
    torch.testing.assert_close(joint_places().sum(1), torch.ones(len(BODY)))


def test_arithmetic_with_fewer_bits_gives_nearly_the_same():
    torch.manual_seed(0)
    lifter = Lifter(PRESETS["small"]).eval()
    inputs = (torch.rand(1, 5, 33, 2) - 0.5, torch.ones(1, 5, 33), torch.arange(5.0)[None] / 30)
    with torch.inference_mode():
        exact = lifter(*inputs)
        for dtype in (torch.bfloat16, torch.float16):
            with torch.autocast("cpu", dtype):
                coarse = lifter(*inputs)
            torch.testing.assert_close(
                coarse.joints_m.float(), exact.joints_m, atol=0.05, rtol=0.05
            )
