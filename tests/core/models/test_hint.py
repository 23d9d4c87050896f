"""The estimator's own 3D as an input."""

import torch

from core.models import Lifter
from core.skeleton import KEYPOINT_NAMES
from tests.core.models.inputs import HINTED, TINY, make_hint, make_inputs, make_lifter


def test_no_hint_is_the_same_as_nothing_but_unknown():
    lifter, inputs = make_lifter(HINTED), make_inputs(2, 5)
    unknown = torch.full((2, 5, 33, 3), torch.nan)
    assert torch.equal(lifter(*inputs).joints_m, lifter(*inputs, unknown).joints_m)


def test_a_hint_is_heard_and_a_lifter_without_ears_ignores_it():
    inputs, hint_m = make_inputs(2, 5), make_hint(2, 5)
    for config, heard in ((HINTED, True), (TINY, False)):
        lifter = make_lifter(config)
        moved = lifter(*inputs, hint_m).joints_m - lifter(*inputs).joints_m
        assert bool(moved.abs().amax() > 1e-3) == heard


def test_a_half_known_point_is_unknown():
    lifter, inputs, hint_m = make_lifter(HINTED), make_inputs(1, 4), make_hint(1, 4)
    row = KEYPOINT_NAMES.index("left_knee")
    hint_m[:, :, row] = torch.nan
    without = lifter(*inputs, hint_m).joints_m
    hint_m[:, :, row, :2] = 0.3
    assert torch.equal(without, lifter(*inputs, hint_m).joints_m)


def test_the_hint_of_an_absent_frame_means_nothing():
    lifter, inputs, hint_m = make_lifter(HINTED), make_inputs(1, 6), make_hint(1, 6)
    confidence = inputs.confidence.clone()
    confidence[:, 2] = 0
    pose = lifter(inputs.rays, confidence, inputs.time_s, hint_m).joints_m
    hint_m[:, 2] = 1.0
    again = lifter(inputs.rays, confidence, inputs.time_s, hint_m).joints_m
    others = [0, 1, 3, 4, 5]
    assert torch.equal(pose[:, others], again[:, others])


def test_weights_that_never_saw_one_are_a_start():
    deaf, inputs = make_lifter(TINY), make_inputs(2, 5)
    learning = Lifter(HINTED).eval()
    missing = learning.load_state_dict(deaf.state_dict(), strict=False).missing_keys
    assert missing == ["embed_hint.weight"]
    expected = deaf(*inputs).joints_m
    torch.testing.assert_close(learning(*inputs, make_hint(2, 5)).joints_m, expected)
