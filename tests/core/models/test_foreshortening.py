"""Apparent lengths and the reach in depth that follows from them."""

import math

import pytest
import torch

from core.models.foreshortening import FORESHORTENING, SEGMENTS, Foreshortening
from core.models.normalise import centre_weights, centred_view, size_weights
from core.skeleton import KEYPOINT_NAMES

LEFT_UPPER_ARM = 4  # after the trunk, the skull, the shoulders and the hips
ACROSS_X, ACROSS_Y, LOOKS, BY_FRAME, BY_WINDOW, BY_ITSELF, KNOWN = range(7)


def row(name):
    return KEYPOINT_NAMES.index(name)


def person(frames: int) -> torch.Tensor:
    """Somebody upright, arms hanging, seen from so far that perspective does not matter; metres."""
    points_m = torch.zeros(1, frames, 33, 3)
    points_m[..., :11, 1] = -0.75
    for side, sign in (("left", 1.0), ("right", -1.0)):
        for part, x, y in (
            ("shoulder", 0.18, -0.53),
            ("elbow", 0.18, -0.245),
            ("wrist", 0.18, 0.0),
            ("index", 0.18, 0.085),
            ("pinky", 0.18, 0.085),
            ("thumb", 0.18, 0.05),
            ("hip", 0.085, 0.0),
            ("knee", 0.085, 0.39),
            ("ankle", 0.085, 0.825),
            ("heel", 0.085, 0.85),
            ("foot_index", 0.085, 0.9),
        ):
            points_m[..., row(f"{side}_{part}"), 0] = sign * x
            points_m[..., row(f"{side}_{part}"), 1] = y
    points_m[..., 2] = 1000.0
    return points_m


def view_of(points_m, confidence=None):
    confidence = torch.ones(points_m.shape[:3]) if confidence is None else confidence
    rays = points_m[..., :2] / points_m[..., 2:]
    rays = torch.where(confidence[..., None] > 0, rays, torch.nan)
    return centred_view(rays, confidence, centre_weights(), size_weights())


def segment(features, index):
    """``(B, T, 7)``: the numbers of one segment."""
    return features[..., : 7 * SEGMENTS].unflatten(-1, (7, SEGMENTS))[..., index]


@pytest.fixture
def foreshortening():
    return Foreshortening()


def test_a_limb_across_the_picture_reaches_no_further(foreshortening):
    arm = segment(foreshortening(view_of(person(1))), LEFT_UPPER_ARM)[0, 0]
    assert arm[KNOWN] == 1
    assert arm[ACROSS_X].abs() < 1e-3
    assert arm[BY_ITSELF] < 0.05 * arm[LOOKS]


def test_half_the_length_reaches_root_three_halves(foreshortening):
    points_m = person(9)
    arm_rows = [row(f"left_{part}") for part in ("elbow", "wrist", "index", "pinky", "thumb")]
    points_m[:, 4, arm_rows, 1] -= 0.285 / 2  # the upper arm points 60 degrees at the camera
    view = view_of(points_m)
    arm = segment(foreshortening(view), LEFT_UPPER_ARM)[0]
    full = float(arm[0, LOOKS])
    # A power mean stays a little below the maximum.
    assert arm[4, BY_ITSELF] == pytest.approx(full * math.sqrt(3) / 2, rel=0.02)
    assert arm[4, BY_FRAME] == pytest.approx(full * math.sqrt(3) / 2, rel=0.15)
    assert arm[4, BY_WINDOW] == pytest.approx(full * math.sqrt(3) / 2, rel=0.15)


def test_nothing_is_said_of_unknown_ends(foreshortening):
    confidence = torch.ones(1, 3, 33)
    confidence[0, 1, row("left_elbow")] = 0
    arm = segment(foreshortening(view_of(person(3), confidence)), LEFT_UPPER_ARM)[0]
    assert (arm[1] == 0).all()
    assert (arm[[0, 2], KNOWN] == 1).all()


def test_nobody_at_all_is_all_zero(foreshortening):
    features = foreshortening(view_of(person(2), torch.zeros(1, 2, 33)))
    assert features.shape == (1, 2, FORESHORTENING)
    assert (features == 0).all()


def test_absent_frames_change_nothing_for_the_others(foreshortening):
    points_m = person(4)
    points_m[:, 2, row("left_elbow"), 1] = -0.4
    alone = foreshortening(view_of(points_m))
    longer = torch.cat([points_m, torch.full((1, 3, 33, 3), 7.0)], 1)
    confidence = torch.ones(1, 7, 33)
    confidence[:, 4:] = 0
    torch.testing.assert_close(
        foreshortening(view_of(longer, confidence))[:, :4], alone, atol=1e-5, rtol=1e-5
    )


def test_wild_keypoints_stay_finite(foreshortening):
    generator = torch.Generator().manual_seed(0)
    points_m = torch.randn(4, 5, 33, 3, generator=generator) * 50
    points_m[..., 2] = points_m[..., 2].abs().clamp(min=0.01)
    confidence = (torch.rand(4, 5, 33, generator=generator) > 0.5).float()
    assert torch.isfinite(foreshortening(view_of(points_m, confidence))).all()
