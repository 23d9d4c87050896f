import pytest
import torch

from core.cameras import ASSUMED_FOCAL
from core.evaluation.metrics import pa_mpjpe
from core.skeleton import BODY, KEYPOINT_NAMES
from core.training.dice import Dice
from core.training.heldout import with_lens_told
from core.training.hiding import draw_known
from core.training.motion import load_motion
from core.training.occlusion import hidden_by_body
from core.training.sampler import CLEAN, HINTED, NOISY, Difficulty, draw_batch
from tests.core.training.motion_files import write_motion


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return load_motion(write_motion(tmp_path_factory.mktemp("motion") / "motion.npz"))


@pytest.mark.parametrize("difficulty", [Difficulty(), CLEAN, NOISY, HINTED])
@pytest.mark.parametrize("frames", [1, 12])
def test_the_same_seed_gives_the_same_batch(library, difficulty, frames):
    first = draw_batch(library, Dice(7), 4, frames, difficulty)
    again = draw_batch(library, Dice(7), 4, frames, difficulty)
    other = draw_batch(library, Dice(8), 4, frames, difficulty)
    for one, two in zip(first, again, strict=True):
        torch.testing.assert_close(one, two, rtol=0, atol=0, equal_nan=True)
    assert not torch.equal(first.joints_m, other.joints_m)


def test_a_batch_says_what_is_known(library):
    batch = draw_batch(library, Dice(0), 64, 9, Difficulty())
    known = batch.confidence > 0
    assert torch.isfinite(batch.rays[known]).all()
    assert torch.isnan(batch.rays[~known]).all()
    assert torch.equal(known.any(-1), batch.present)
    assert (batch.confidence <= 1).all()
    assert torch.isfinite(batch.joints_m).all()
    assert 0.05 < (~known).float().mean() < 0.5


def test_clean_keypoints_fit_the_joints(library):
    """Elbows and knees of exact 2D lie on the projected joints, up to the focal length's guess."""
    batch = draw_batch(library, Dice(0), 128, 1, CLEAN)
    names = ("left_elbow", "right_elbow", "left_knee", "right_knee")
    rays = batch.rays[:, 0, [KEYPOINT_NAMES.index(name) for name in names]]
    joints = batch.joints_m[:, 0, [BODY.index(name) for name in names]]
    spread = (rays - rays.mean(1, keepdim=True)).flatten(1)
    expected = (joints - joints.mean(1, keepdim=True))[..., :2].flatten(1)
    cosine = torch.nn.functional.cosine_similarity(spread, expected)
    assert cosine.median() > 0.97
    assert (batch.confidence == 1).all()


def test_noise_moves_keypoints_by_centimetres(library):
    exact = draw_batch(library, Dice(3), 64, 12, CLEAN)
    assert (exact.confidence == 1).all()
    noisy = draw_batch(library, Dice(3), 64, 12, NOISY)
    assert noisy.confidence.float().std() > 0.05
    assert torch.isfinite(noisy.rays[noisy.confidence > 0]).all()
    assert ASSUMED_FOCAL == 1.1


def test_an_arm_behind_the_trunk_is_hidden_and_one_before_it_is_not():
    points = torch.zeros(1, 1, 33, 3)
    points[..., 2] = 4.0
    for name, x, y in (
        ("left_shoulder", 0.18, -0.5), ("right_shoulder", -0.18, -0.5),
        ("left_hip", 0.1, 0.0), ("right_hip", -0.1, 0.0),
        ("left_knee", 0.1, 0.4), ("right_knee", -0.1, 0.4),
        ("left_ankle", 0.1, 0.8), ("right_ankle", -0.1, 0.8),
        ("left_ear", 0.07, -0.7), ("right_ear", -0.07, -0.7),
    ):  # fmt: skip
        points[..., KEYPOINT_NAMES.index(name), :2] = torch.tensor([x, y])
    left, right = KEYPOINT_NAMES.index("left_wrist"), KEYPOINT_NAMES.index("right_wrist")
    points[..., left, :] = torch.tensor([0.0, -0.25, 4.3])
    points[..., right, :] = torch.tensor([0.0, -0.25, 3.7])
    hidden = hidden_by_body(points)[0, 0]
    assert hidden[left] == 1
    assert hidden[right] == 0


def test_layouts_and_crops_all_occur():
    known = draw_known(Dice(0), 600, 2)[:, 0]
    patterns = {tuple(row) for row in known.tolist()}
    assert tuple([True] * 33) in patterns
    assert len(patterns) > 10
    assert draw_known(Dice(0), 600, 2)[:, 0].any(1).all()  # every window shows somebody


def test_fitted_skeletons_come_mostly_as_human36m():
    fitted = torch.arange(1000) % 2 == 0
    nose, ear = KEYPOINT_NAMES.index("nose"), KEYPOINT_NAMES.index("left_ear")
    known = draw_known(Dice(0), 1000, 8, fitted).any(1)
    lacks_face = known[:, KEYPOINT_NAMES.index("left_shoulder")] & ~known[:, ear]
    assert lacks_face[fitted].float().mean() > 0.7
    assert lacks_face[~fitted].float().mean() < 0.3
    assert known[fitted & lacks_face][:, nose].any()


def test_drift_forgets_at_its_own_pace():
    """Autocorrelation of an Ornstein-Uhlenbeck process: exp(-dt / tau)."""
    dice = Dice(0)
    time_s = (torch.arange(3) * 0.5).expand(4000, 3)
    noise = dice.drift(time_s, torch.full((4000,), 1.0), (5,))
    assert abs(float(noise.std()) - 1) < 0.03
    correlation = float((noise[:, 0] * noise[:, 1]).mean())
    assert abs(correlation - 0.6065) < 0.03


LIMBS = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")


def limbs(names):
    return [names.index(f"{side}_{part}") for side in ("left", "right") for part in LIMBS]


def test_a_hint_errs_about_as_much_as_was_measured(library):
    """82 mm on average against a real reference: docs/detector-noise.md."""
    batch = draw_batch(library, Dice(4), 256, 6, HINTED)
    hint_m = batch.hint_m[:, :, limbs(KEYPOINT_NAMES)].flatten(0, 1).numpy()
    true_m = batch.joints_m[:, :, limbs(BODY.names)].flatten(0, 1).numpy()
    assert 0.066 < pa_mpjpe(hint_m, true_m).mean() < 0.094


def test_a_hint_comes_only_with_the_detector_that_gives_one(library):
    batch = draw_batch(library, Dice(5), 256, 4, Difficulty(noise=0.5, hint=0.5))
    hinted = torch.isfinite(batch.hint_m).all(-1)
    assert torch.isnan(draw_batch(library, Dice(5), 8, 4, CLEAN).hint_m).all()
    assert 0.1 < hinted.any(-1).any(-1).float().mean() < 0.4
    assert (hinted.any(-1) <= batch.present).all()
    known = (batch.confidence > 0).any(1)  # but for points far outside the picture
    assert known[hinted.any(-1).any(-1)].float().mean() > 0.97


def test_exact_windows_are_certain_and_have_no_hint(library):
    only_exact = draw_batch(library, Dice(3), 64, 3, Difficulty(exact=1.0, hiding=False))
    assert (only_exact.confidence == 1).all()
    assert torch.isnan(only_exact.hint_m).all()
    half = draw_batch(library, Dice(3), 256, 3, Difficulty(exact=0.5, noise=1.0, hiding=False))
    certain = (half.confidence == 1).all(-1).all(-1)
    # One noisy source in five says 1 of everything.
    assert 0.45 < certain.float().mean() < 0.75


@pytest.mark.parametrize("difficulty", [Difficulty(), CLEAN, HINTED])
def test_telling_the_focal_length_changes_only_the_scale_of_the_rays(library, difficulty):
    told = draw_batch(library, Dice(6), 64, 5, with_lens_told(difficulty))
    usual = draw_batch(library, Dice(6), 64, 5, difficulty)
    for name in ("confidence", "time_s", "joints_m", "present", "hint_m"):
        mine, theirs = getattr(told, name), getattr(usual, name)
        torch.testing.assert_close(mine, theirs, rtol=0, atol=0, equal_nan=True)
    scale = (told.rays / usual.rays).flatten(1)
    window = scale.nanmedian(1, keepdim=True).values
    known = torch.isfinite(scale)
    torch.testing.assert_close(scale[known], window.expand_as(scale)[known], rtol=1e-5, atol=0)
    same = (window == 1).float().mean()  # 15 % know it anyway
    assert 0.03 < same < 0.35
