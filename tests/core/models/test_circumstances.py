"""What could be seen of each joint, and the doubt that follows."""

from dataclasses import replace

import pytest
import torch

from core.models.circumstances import CIRCUMSTANCES
from core.models.lines_of_sight import joint_places
from core.models.mirror import MirrorAveraged
from core.skeleton import BODY, KEYPOINT_MIRROR, KEYPOINT_NAMES
from tests.core.models.inputs import AS_PACKAGED, TINY, make_hint, make_inputs, make_lifter
from tests.core.models.test_steadiness import moving

HEEDING = replace(AS_PACKAGED, circumstances=True)
UNSEEN, MISSING, EXACT, HINTED = map(CIRCUMSTANCES.index, ("unseen", "missing", "exact", "hinted"))
WRIST, KNEE = BODY.index("left_wrist"), BODY.index("left_knee")


def told(rays, confidence, time_s, hint_m=None, config=HEEDING):
    lifter = make_lifter(config)
    view, seconds = lifter.look(rays, confidence, time_s)
    return lifter.circumstances(view, lifter.steadiness(view, seconds), hint_m)


def keypoints_of(joint):
    return joint_places()[joint] != 0


def heeding_lifter():
    """With coefficients as `poselift calibrate` fits them: left and right alike."""
    lifter = make_lifter(HEEDING)
    weight = lifter.from_circumstances.weight
    with torch.no_grad():
        weight.normal_(0, 0.2)
        weight.copy_((weight + weight[torch.from_numpy(BODY.mirror)]) / 2)
    return lifter


def test_a_joint_without_some_of_its_keypoints_says_how_many():
    rays, confidence, time_s = moving()
    confidence[:, 3:5, KEYPOINT_NAMES.index("left_wrist")] = 0
    missing = told(rays, confidence, time_s)[0, :, :, MISSING]
    assert missing[3:5, WRIST] == pytest.approx(0.5)  # its other keypoint is the elbow
    assert not missing[:, KNEE].any()
    assert not missing[5:].any()
    confidence[..., keypoints_of(WRIST)] = 0
    here = told(rays, confidence, time_s)[0, :, WRIST]
    assert (here[:, MISSING] == 1).all()
    assert (here[:, UNSEEN] == 0).all()  # nothing is known that one could be unsure of


def test_lack_of_confidence_is_averaged_over_the_keypoints_that_are_known():
    rays, confidence, time_s = moving()
    confidence[..., KEYPOINT_NAMES.index("left_wrist")] = 0.4
    assert told(rays, confidence, time_s)[0, :, WRIST, UNSEEN] == pytest.approx(0.3)
    confidence[..., KEYPOINT_NAMES.index("left_elbow")] = 0
    assert told(rays, confidence, time_s)[0, :, WRIST, UNSEEN] == pytest.approx(0.6)


def test_exact_is_what_is_certain_and_does_not_tremble():
    def exact(**changes):
        said = told(*moving(**changes))[..., EXACT]
        assert (said == said[0, 0, 0]).all()  # of the window, not of a joint
        return float(said[0, 0, 0])

    assert exact() > 0.9
    assert exact(trembling=0.003) < 0.1
    assert exact(confidence=0.9) == 0
    assert exact(frames=2) == 0.5  # too few to tremble


def test_a_hint_shows_where_it_is_given_to_a_lifter_that_reads_it():
    rays, confidence, time_s = moving()
    hint_m = make_hint(1, 12)
    hint_m[:, :6] = torch.nan
    hinted = told(rays, confidence, time_s, hint_m)[..., HINTED]
    assert not hinted[:, :6].any()
    torch.testing.assert_close(hinted[:, 6:], torch.ones(1, 6, 28))
    assert not told(rays, confidence, time_s)[..., HINTED].any()
    deaf = replace(TINY, circumstances=True)
    assert not told(rays, confidence, time_s, hint_m, deaf)[..., HINTED].any()


@pytest.mark.parametrize("frames", [1, 2, 9])
def test_all_numbers_lie_between_0_and_1_whatever_is_missing(frames):
    rays, confidence, time_s = make_inputs(3, frames)
    confidence[0], rays[0] = 0, torch.nan
    confidence[1, :, 5:] = 0
    rays[2, 0, :7] = torch.inf
    said = told(rays, confidence, time_s, torch.full((3, frames, 33, 3), torch.nan))
    assert torch.isfinite(said).all()
    assert (said >= 0).all()
    assert (said <= 1 + 1e-6).all()


def test_the_mirror_image_is_told_the_mirrored_numbers():
    rays, confidence, time_s = make_inputs(2, 6)
    confidence[0, 2:, 13] = 0
    mirrored = told(
        rays[:, :, KEYPOINT_MIRROR] * torch.tensor([-1.0, 1.0]),
        confidence[:, :, KEYPOINT_MIRROR],
        time_s,
    )
    said = told(rays, confidence, time_s)
    torch.testing.assert_close(mirrored, said[:, :, torch.from_numpy(BODY.mirror)])


def test_each_circumstance_moves_the_logarithm_of_sigma_and_no_joint():
    inputs = (*make_inputs(2, 6), make_hint(2, 6))
    plain, heeding = make_lifter(AS_PACKAGED), make_lifter(HEEDING)
    torch.nn.init.zeros_(heeding.from_circumstances.weight)
    before = heeding(*inputs)
    assert torch.equal(before.sigma_m, plain(*inputs).sigma_m)  # nothing is fitted yet
    with torch.no_grad():
        heeding.from_circumstances.weight[WRIST, UNSEEN] = 0.7
        heeding.from_circumstances.weight[KNEE, HINTED] = -0.2
    after = heeding(*inputs)
    assert torch.equal(after.joints_m, before.joints_m)
    more = torch.zeros(2, 6, 28)
    more[:, :, WRIST] = 0.7 * told(*inputs)[:, :, WRIST, UNSEEN]
    more[:, :, KNEE] = -0.2
    inside = (before.sigma_m > 0.01) & (before.sigma_m < 0.4)  # elsewhere the lifter clips
    assert inside[..., [WRIST, KNEE]].any()
    wanted = before.sigma_m * more.exp()
    torch.testing.assert_close(after.sigma_m[inside], wanted[inside])


def test_mirrored_input_gives_the_mirrored_sigma():
    averaged = MirrorAveraged(heeding_lifter()).eval()
    rays, confidence, time_s = make_inputs(2, 6)
    hint_m = make_hint(2, 6)
    flip = torch.tensor([-1.0, 1.0, 1.0])
    with torch.inference_mode():
        seen = averaged(rays, confidence, time_s, hint_m)
        mirrored = averaged(
            rays[:, :, KEYPOINT_MIRROR] * flip[:2],
            confidence[:, :, KEYPOINT_MIRROR],
            time_s,
            hint_m[:, :, KEYPOINT_MIRROR] * flip,
        )
    expected = seen.sigma_m[:, :, torch.from_numpy(BODY.mirror)]
    torch.testing.assert_close(mirrored.sigma_m, expected, atol=1e-6, rtol=0)
