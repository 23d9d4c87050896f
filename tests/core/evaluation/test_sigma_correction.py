import numpy as np
import pytest
import torch

from core.errors import DatasetInvalid
from core.evaluation.sigma_correction import (
    ErrorsUnderDoubt,
    SigmaCorrection,
    fit_correction,
    folded,
)
from core.evaluation.stretches import ClipPoses
from core.skeleton import BODY
from core.training.losses import MEAN_LENGTH
from tests.core.models.inputs import FAMILIES, make_inputs, make_lifter

ROOT = BODY.root


def errors_like(sigma_m: np.ndarray, seed: int = 0) -> np.ndarray:
    """Of the law that sigma promises."""
    return np.random.default_rng(seed).gamma(3.0, sigma_m * MEAN_LENGTH / 3)


def some_sigmas(poses: int = 4000, seed: int = 0) -> np.ndarray:
    return np.exp(np.random.default_rng(seed).uniform(np.log(0.01), np.log(0.2), (poses, 28)))


def test_it_finds_the_power_and_the_factor():
    sigma_m = some_sigmas()
    seen = ErrorsUnderDoubt(errors_like(0.8 * sigma_m**1.3), sigma_m)
    correction = fit_correction(seen)
    others = np.arange(28) != ROOT
    np.testing.assert_allclose(correction.gain[others], 1.3, atol=0.05)
    np.testing.assert_allclose(
        correction(sigma_m)[:, others], (0.8 * sigma_m**1.3)[:, others], rtol=0.08
    )


def test_an_honest_sigma_stays_as_it_is():
    sigma_m = some_sigmas()
    correction = fit_correction(ErrorsUnderDoubt(errors_like(sigma_m), sigma_m))
    np.testing.assert_allclose(correction(sigma_m), sigma_m, rtol=0.08)


def test_left_and_right_are_corrected_alike_and_the_root_not_at_all():
    sigma_m = some_sigmas()
    factors = np.random.default_rng(5).uniform(0.5, 2, 28)
    correction = fit_correction(ErrorsUnderDoubt(errors_like(factors * sigma_m), sigma_m))
    np.testing.assert_array_equal(correction.gain, correction.gain[BODY.mirror])
    np.testing.assert_array_equal(correction.offset, correction.offset[BODY.mirror])
    assert (correction.gain[ROOT], correction.offset[ROOT]) == (1, 0)


def test_it_rises_whatever_it_is_fitted_to():
    sigma_m = some_sigmas(500)
    backwards = ErrorsUnderDoubt(errors_like(0.002 / sigma_m), sigma_m)
    constant = ErrorsUnderDoubt(errors_like(sigma_m), np.full_like(sigma_m, 0.05))
    nothing_wrong = ErrorsUnderDoubt(np.zeros_like(sigma_m), sigma_m)
    for seen in (backwards, constant, nothing_wrong):
        correction = fit_correction(seen)
        assert (correction.gain > 0).all()
        assert np.isfinite(correction.offset).all()
        assert (np.diff(correction(np.array([[0.01], [0.1]]) * np.ones(28)), axis=0) > 0).all()


@pytest.mark.parametrize("family", ["per joint", "as packaged"])
def test_a_folded_lifter_says_corrected_sigmas_and_the_same_joints(family):
    lifter, inputs = make_lifter(FAMILIES[family]), make_inputs(2, 5)
    if lifter.from_steadiness is not None:
        torch.nn.init.normal_(lifter.from_steadiness.to_joints.bias, std=0.2)
    rng = np.random.default_rng(0)
    correction = SigmaCorrection(rng.uniform(0.8, 1.2, 28), rng.uniform(-0.3, 0.3, 28))
    before, after = lifter(*inputs), folded(lifter, correction)(*inputs)
    assert torch.equal(before.joints_m, after.joints_m)
    sigma_m = before.sigma_m.detach().numpy()
    inside = (sigma_m > 0.003) & (sigma_m < 0.7)  # elsewhere the lifter clips what it says
    assert inside.mean() > 0.9
    found = after.sigma_m.detach().numpy()
    np.testing.assert_allclose(found[inside], correction(sigma_m)[inside], rtol=1e-4)
    assert not torch.equal(before.sigma_m, after.sigma_m)
    again = lifter(*inputs)
    assert torch.equal(again.sigma_m, before.sigma_m)  # the lifter that was given is untouched


def test_poses_with_a_nan_are_left_out():
    truth = np.zeros((9, 28, 3), np.float32)
    predicted, sigma = truth + np.float32(0.03), np.full((9, 28), 0.02, np.float32)
    predicted[0], sigma[3, 5] = np.nan, np.nan
    seen = ErrorsUnderDoubt.of([ClipPoses("a", "walk", predicted, truth, None, sigma)])
    assert len(seen.error_m) == 1  # of every third of nine: 0, 3 and 6
    assert np.isfinite(seen.error_m).all()
    with pytest.raises(DatasetInvalid, match="no pose"):
        ErrorsUnderDoubt.of([ClipPoses("a", "walk", predicted[:1], truth[:1], None, sigma[:1])])
