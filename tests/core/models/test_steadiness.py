"""What tells exact keypoints from a detector's."""

import pytest
import torch

from core.models import Lifter
from core.models.config import LifterConfig
from core.models.normalise import centre_weights, centred_view, size_weights
from core.models.steadiness import Steadiness

TRUNK, ANY_TRUNK, LIMBS, ANY_LIMBS, STEP, CERTAIN = range(6)


def moving(frames=12, trembling=0.0, confidence=1.0):
    """Keypoints that glide at one speed, and tremble or not."""
    generator = torch.Generator().manual_seed(1)
    start = torch.randn(1, 1, 33, 2, generator=generator) * 0.1
    way = torch.randn(1, 1, 33, 2, generator=generator) * 0.05
    time_s = torch.arange(frames)[None] / 30
    rays = start + way * time_s[..., None, None]
    rays = rays + trembling * torch.randn(1, frames, 33, 2, generator=generator)
    return rays, torch.full((1, frames, 33), confidence), time_s


def features(rays, confidence, time_s):
    view = centred_view(rays, confidence, centre_weights(), size_weights())
    return Steadiness()(view, time_s)[0]


def test_trembling_shows_in_trunk_and_limbs():
    still, shaken = features(*moving()), features(*moving(trembling=0.002))
    assert (shaken[[TRUNK, LIMBS]] > still[[TRUNK, LIMBS]] + 1).all()
    assert (shaken[[ANY_TRUNK, ANY_LIMBS]] == 1).all()


def test_the_share_of_certain_keypoints():
    rays, confidence, time_s = moving()
    confidence[..., :11] = 0.7
    confidence[..., 11] = 0  # not there, so neither certain nor uncertain
    assert features(rays, confidence, time_s)[CERTAIN] == pytest.approx(21 / 32)


@pytest.mark.parametrize("frames", [1, 2])
def test_too_few_frames_bend_nowhere(frames):
    said = features(*moving(frames=frames))
    assert said[ANY_TRUNK] == 0
    assert said[TRUNK] == 0
    assert torch.isfinite(said).all()


def test_slower_frame_rates_have_longer_steps():
    rays, confidence, time_s = moving()
    assert features(rays, confidence, time_s * 3)[STEP] > features(rays, confidence, time_s)[STEP]


def test_absent_frames_count_for_nothing():
    rays, confidence, time_s = moving(trembling=0.002)
    alone = features(rays, confidence, time_s)
    longer = torch.cat([rays, torch.full((1, 4, 33, 2), 9.0)], 1)
    unknown = torch.cat([confidence, torch.zeros(1, 4, 33)], 1)
    later = torch.cat([time_s, torch.full((1, 4), -5.0)], 1)
    torch.testing.assert_close(features(longer, unknown, later), alone)


def test_it_moves_both_trust_and_doubt():
    torch.manual_seed(0)
    config = LifterConfig(
        joint_channels=8, token_channels=32, temporal_layers=1, heads=2,
        lines_of_sight=True, steadiness=True,
    )  # fmt: skip
    model = Lifter(config).eval()
    inputs = moving()
    with torch.inference_mode():
        before = model(*inputs)
        last = model.from_steadiness.to_joints
        last.bias[28:] = 0.5
        wider = model(*inputs)
        last.bias[:28] = -30.0
        alone = model(*inputs)
    torch.testing.assert_close(wider.joints_m, before.joints_m)
    torch.testing.assert_close(wider.sigma_m, before.sigma_m * torch.tensor(0.5).exp())
    assert not torch.allclose(alone.joints_m, wider.joints_m)
