from itertools import pairwise

import numpy as np
import pytest

from core.evaluation.reliability import SIGMA_EDGES_M, errors_and_sigmas, sigma_bins
from core.evaluation.scoring import evaluate
from core.evaluation.stretches import ClipPoses, ScoredJoints
from core.regions import SigmaRegions

REGIONS = SigmaRegions((1.0, 2.0, 3.0, 4.0))
JOINTS = ScoredJoints(("pelvis", "knee"), ((1, 0),), root=0)


def stretch(error_m, sigma_m) -> ClipPoses:
    """One joint that is off by so much, and a root that never is."""
    error_m = np.asarray(error_m, np.float32)
    truth = np.zeros((len(error_m), 2, 3), np.float32)
    predicted = truth.copy()
    predicted[:, 1, 2] = error_m
    sigma = np.stack([np.zeros(len(error_m)), sigma_m], axis=1).astype(np.float32)
    return ClipPoses("a", "walk", predicted, truth, None, sigma)


def test_bins_by_hand():
    poses = stretch([0.01, 0.025, 0.15, 0.31], [0.01, 0.01, 0.1, 0.1])
    bins = sigma_bins([poses], 0, REGIONS)
    assert [(each.least_m, each.most_m) for each in bins] == list(pairwise(SIGMA_EDGES_M))
    assert [each.joints for each in bins] == [2, 0, 0, 0, 2, 0]
    small, large = bins[0], bins[4]
    assert small.mean_error_m == pytest.approx(0.0175)
    assert list(small.within.values()) == [50.0, 50.0, 100.0, 100.0]
    assert list(large.within.values()) == [0.0, 50.0, 50.0, 100.0]
    assert np.isnan(bins[1].mean_sigma_m)


def test_what_is_nan_on_either_side_is_never_counted():
    poses = stretch([0.01, np.nan, 0.01], [0.01, 0.01, np.nan])
    errors, sigmas = errors_and_sigmas(poses, 0)
    assert errors == pytest.approx([0.01])
    assert sigmas == pytest.approx([0.01])
    assert sum(each.joints for each in sigma_bins([poses], 0, REGIONS)) == 1


def test_the_root_has_no_error_and_proves_nothing():
    poses = stretch([0.5, 0.5], [0.01, 0.01])
    assert sigma_bins([poses], 0, REGIONS)[0].within[0.95] == 0
    assert sum(each.joints for each in sigma_bins([poses], None, REGIONS)) == 4


def test_a_method_without_sigma_has_no_bins():
    poses = ClipPoses("a", "walk", np.zeros((3, 2, 3)), np.zeros((3, 2, 3)), None)
    assert sigma_bins([poses], 0, REGIONS) == ()


def test_tables_use_the_regions_they_are_given():
    poses = stretch([0.025] * 4, [0.01] * 4)
    within = evaluate([poses], JOINTS, regions=REGIONS).within
    assert [within[p].value for p in (0.5, 0.8, 0.9, 0.95)] == [0.0, 0.0, 100.0, 100.0]
    assert evaluate([poses], JOINTS).within[0.8].value == 0.0  # the law's 80 % lie within 2.28
