"""The choice of an implementation, and one warm set of networks for many videos."""

import numpy as np
import pytest
import torch

from core.contracts import PoseModel
from core.errors import AssetUnavailable
from core.keypoints.backends import MakesEstimators, make_estimators
from core.keypoints.blazepose.estimators import TorchPoseEstimators
from core.keypoints.estimators import PoseEstimators
from core.keypoints.litert.estimators import LiteEstimators
from core.tracking.sightings import measure

CPU, GPU = torch.device("cpu"), torch.device("cuda")


@pytest.mark.parametrize(
    ("backend", "device", "kind"),
    [
        ("auto", CPU, LiteEstimators),
        ("litert", GPU, LiteEstimators),
        ("auto", GPU, TorchPoseEstimators),
        ("torch", CPU, TorchPoseEstimators),
        ("mediapipe", GPU, PoseEstimators),
    ],
)
def test_auto_is_torch_on_a_gpu(backend, device, kind):
    """Nothing is loaded, so no GPU is needed."""
    with make_estimators(backend, lambda _: pytest.fail("loaded"), device) as estimators:
        assert type(estimators) is kind
        assert isinstance(estimators, MakesEstimators)


def test_a_model_that_cannot_be_fetched_says_so_every_time():
    def offline(model):
        raise AssetUnavailable("offline")

    with TorchPoseEstimators(offline, CPU) as estimators:
        for _ in range(2):
            with pytest.raises(AssetUnavailable, match="offline"):
                estimators.open(PoseModel.LITE)


@pytest.fixture(scope="module")
def estimators(full_bundle):
    asked = []

    def bundle_of(model):
        asked.append(model)
        return full_bundle

    with TorchPoseEstimators(bundle_of, CPU) as estimators:
        estimators.warm_up(PoseModel.FULL)
        yield estimators
    assert asked == [PoseModel.FULL]


@pytest.mark.assets
def test_a_video_gives_the_same_bits_whatever_came_before(estimators, man):
    def numbers(frames):
        with estimators.open(PoseModel.FULL) as estimator:
            return [(d.keypoints_px, d.hint_m) for _, (d,) in estimator.observe(frames)]

    first = numbers(man[:6])
    numbers(man[12:14])
    for one, other in zip(first, numbers(man[:6]), strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])


@pytest.mark.assets
def test_a_single_picture(estimators, demo_frames):
    """The detector overlooks the man in the whole picture; a closer look finds him."""
    (person,) = estimators.estimate_image(demo_frames[40].rgb, PoseModel.FULL)
    x, y = measure(person).centre_px
    assert abs(x - 320) < 30
    assert abs(y - 130) < 40


@pytest.mark.assets
def test_no_more_people_than_asked_for(estimators, man):
    both = np.hstack([man[0].rgb] * 2)
    assert len(estimators.estimate_image(both, PoseModel.FULL, 4)) == 2
    assert len(estimators.estimate_image(both, PoseModel.FULL, 1)) == 1
