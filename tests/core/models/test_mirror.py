"""Left and right are treated alike."""

import torch

from core.models.mirror import MirrorAveraged
from core.skeleton import BODY, KEYPOINT_MIRROR
from tests.core.models.inputs import HINTED, make_hint, make_inputs, make_lifter

FLIP = torch.tensor([-1.0, 1.0, 1.0])


def test_mirrored_input_gives_the_mirrored_pose():
    lifter = MirrorAveraged(make_lifter(HINTED)).eval()
    inputs = make_inputs(3, 9)
    hint_m = make_hint(3, 9)
    hint_m[1] = torch.nan
    pose = lifter(*inputs, hint_m)
    mirrored = lifter(
        inputs.rays[:, :, KEYPOINT_MIRROR] * FLIP[:2],
        inputs.confidence[:, :, KEYPOINT_MIRROR],
        inputs.time_s,
        hint_m[:, :, KEYPOINT_MIRROR] * FLIP,
    )
    expected = pose.joints_m[:, :, BODY.mirror] * FLIP
    torch.testing.assert_close(mirrored.joints_m, expected, atol=1e-6, rtol=0)
    torch.testing.assert_close(mirrored.sigma_m, pose.sigma_m[:, :, BODY.mirror], atol=1e-6, rtol=0)


def test_without_it_a_lifter_has_a_better_side():
    inputs = make_inputs(1, 3)
    lifter = make_lifter()
    pose = MirrorAveraged(lifter)(*inputs)
    assert (pose.joints_m - lifter(*inputs).joints_m).abs().amax() > 1e-3
