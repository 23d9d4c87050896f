from dataclasses import replace

import numpy as np
import pytest
import torch

from core.errors import DatasetInvalid
from core.evaluation.sigma_correction import (
    ErrorsUnderDoubt,
    SigmaCorrection,
    fit_correction,
    folded,
    heeding_circumstances,
)
from core.evaluation.stretches import ClipPoses
from core.models.circumstances import CIRCUMSTANCES
from core.skeleton import BODY
from core.training.losses import MEAN_LENGTH
from tests.core.models.inputs import FAMILIES, make_hint, make_inputs, make_lifter

ROOT = BODY.root
OTHERS = np.arange(len(BODY)) != ROOT
UNSEEN, EXACT = CIRCUMSTANCES.index("unseen"), CIRCUMSTANCES.index("exact")


def errors_like(sigma_m: np.ndarray, seed: int = 0) -> np.ndarray:
    """Of the law that sigma promises."""
    return np.random.default_rng(seed).gamma(3.0, sigma_m * MEAN_LENGTH / 3)


def some_sigmas(poses: int = 4000, seed: int = 0) -> np.ndarray:
    return np.exp(np.random.default_rng(seed).uniform(np.log(0.01), np.log(0.2), (poses, 28)))


def nothing_told(sigma_m: np.ndarray) -> np.ndarray:
    return np.zeros((*sigma_m.shape, len(CIRCUMSTANCES)), np.float32)


def under_doubt(error_m: np.ndarray, sigma_m: np.ndarray) -> ErrorsUnderDoubt:
    """Of joints of which nothing is told."""
    return ErrorsUnderDoubt(error_m, sigma_m, nothing_told(sigma_m))


def test_it_finds_the_power_and_the_factor():
    sigma_m = some_sigmas()
    correction = fit_correction(under_doubt(errors_like(0.8 * sigma_m**1.3), sigma_m))
    np.testing.assert_allclose(correction.gain[OTHERS], 1.3, atol=0.05)
    np.testing.assert_allclose(
        correction(sigma_m, nothing_told(sigma_m))[:, OTHERS],
        (0.8 * sigma_m**1.3)[:, OTHERS],
        rtol=0.08,
    )
    assert not correction.by_circumstance.any()


def test_it_finds_what_each_circumstance_adds():
    sigma_m, told = some_sigmas(), nothing_told(some_sigmas())
    rng = np.random.default_rng(3)
    told[..., UNSEEN] = rng.uniform(0, 1, sigma_m.shape)
    told[..., EXACT] = rng.integers(0, 2, (len(sigma_m), 1))
    truly_m = sigma_m * np.exp(0.6 * told[..., UNSEEN] - 0.4 * told[..., EXACT])
    correction = fit_correction(ErrorsUnderDoubt(errors_like(truly_m), sigma_m, told))
    np.testing.assert_allclose(correction.by_circumstance[OTHERS, UNSEEN], 0.6, atol=0.12)
    np.testing.assert_allclose(correction.by_circumstance[OTHERS, EXACT], -0.4, atol=0.08)
    np.testing.assert_allclose(correction(sigma_m, told)[:, OTHERS], truly_m[:, OTHERS], rtol=0.15)


def test_an_honest_sigma_stays_as_it_is():
    sigma_m = some_sigmas()
    correction = fit_correction(under_doubt(errors_like(sigma_m), sigma_m))
    np.testing.assert_allclose(correction(sigma_m, nothing_told(sigma_m)), sigma_m, rtol=0.08)


def test_left_and_right_are_corrected_alike_and_the_root_not_at_all():
    sigma_m = some_sigmas()
    factors = np.random.default_rng(5).uniform(0.5, 2, 28)
    told = np.random.default_rng(6).uniform(0, 1, (*sigma_m.shape, len(CIRCUMSTANCES)))
    correction = fit_correction(ErrorsUnderDoubt(errors_like(factors * sigma_m), sigma_m, told))
    for fitted in (correction.gain, correction.offset, correction.by_circumstance):
        np.testing.assert_array_equal(fitted, fitted[BODY.mirror])
    assert (correction.gain[ROOT], correction.offset[ROOT]) == (1, 0)
    assert correction.by_circumstance[OTHERS].all()
    assert not correction.by_circumstance[ROOT].any()


def test_it_rises_whatever_it_is_fitted_to():
    sigma_m = some_sigmas(500)
    backwards = under_doubt(errors_like(0.002 / sigma_m), sigma_m)
    constant = under_doubt(errors_like(sigma_m), np.full_like(sigma_m, 0.05))
    nothing_wrong = under_doubt(np.zeros_like(sigma_m), sigma_m)
    for seen in (backwards, constant, nothing_wrong):
        correction = fit_correction(seen)
        assert (correction.gain > 0).all()
        assert np.isfinite(correction.offset).all()
        small_and_large = np.array([[0.01], [0.1]]) * np.ones(28)
        found = correction(small_and_large, nothing_told(small_and_large))
        assert (np.diff(found, axis=0) > 0).all()


def told_to(lifter, rays, confidence, time_s, hint_m):
    heeding = heeding_circumstances(lifter)
    view, seconds = heeding.look(rays, confidence, time_s)
    return heeding.circumstances(view, heeding.steadiness(view, seconds), hint_m).numpy()


@pytest.mark.parametrize("family", ["per joint", "as packaged", "with circumstances"])
def test_a_folded_lifter_says_corrected_sigmas_and_the_same_joints(family):
    lifter, inputs = make_lifter(FAMILIES[family]), (*make_inputs(2, 5), make_hint(2, 5))
    inputs[1][0, 2:4, 13:] = 0
    if lifter.from_steadiness is not None:
        torch.nn.init.normal_(lifter.from_steadiness.to_joints.bias, std=0.2)
    rng = np.random.default_rng(0)
    correction = SigmaCorrection(
        rng.uniform(0.8, 1.2, 28),
        rng.uniform(-0.3, 0.3, 28),
        rng.uniform(-0.3, 0.3, (28, len(CIRCUMSTANCES))),
    )
    before, after = lifter(*inputs), folded(lifter, correction)(*inputs)
    assert torch.equal(before.joints_m, after.joints_m)
    sigma_m = before.sigma_m.detach().numpy()
    inside = (sigma_m > 0.005) & (sigma_m < 0.5)  # elsewhere the lifter clips what it says
    assert inside.mean() > 0.9
    found, wanted = after.sigma_m.detach().numpy(), correction(sigma_m, told_to(lifter, *inputs))
    np.testing.assert_allclose(found[inside], wanted[inside], rtol=1e-4)
    assert not torch.equal(before.sigma_m, after.sigma_m)
    again = lifter(*inputs)
    assert torch.equal(again.sigma_m, before.sigma_m)  # the lifter that was given is untouched


@pytest.mark.parametrize("family", ["per joint", "as packaged", "with circumstances"])
def test_a_lifter_that_begins_to_heed_circumstances_says_the_same(family):
    lifter, inputs = make_lifter(FAMILIES[family]).requires_grad_(False), make_inputs(2, 5)
    heeding = heeding_circumstances(lifter)
    assert heeding.config.circumstances
    assert not heeding.training
    assert not any(parameter.requires_grad for parameter in heeding.parameters())
    for before, after in zip(lifter(*inputs), heeding(*inputs), strict=True):
        assert torch.equal(before, after)


def test_poses_with_a_nan_are_left_out():
    truth = np.zeros((12, 28, 3), np.float32)
    predicted, sigma = truth + np.float32(0.03), np.full((12, 28), 0.02, np.float32)
    told = nothing_told(sigma)
    predicted[0], sigma[3, 5], told[6, 2, 1] = np.nan, np.nan, np.nan
    clip = ClipPoses("a", "walk", predicted, truth, None, sigma, circumstances=told)
    seen = ErrorsUnderDoubt.of([clip])
    assert len(seen.error_m) == len(seen.circumstances) == 1  # of every third of 12: 0, 3, 6 and 9
    assert np.isfinite(seen.error_m).all()
    nobody = replace(clip, predicted_m=np.full_like(predicted, np.nan))
    for useless in (nobody, replace(clip, sigma_m=None), replace(clip, circumstances=None)):
        with pytest.raises(DatasetInvalid, match="no pose"):
            ErrorsUnderDoubt.of([useless])
