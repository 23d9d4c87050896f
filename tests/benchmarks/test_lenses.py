import pytest
import torch

from benchmarks.lenses import Scene, distance_m, errors_mm
from core.models import LiftedPose
from core.training.viewpoints import to_image


@pytest.mark.parametrize("focal", [0.3, 1.1, 20.0])
def test_everybody_fills_the_picture_alike(focal):
    ends_m = torch.tensor([[[[0.0, -0.875, 0.0], [0.0, 0.875, 0.0]]]])
    image = to_image(ends_m + torch.tensor([0.0, 0.0, distance_m(focal)]), torch.tensor([focal]))
    assert float(image[0, 0, 1, 1] - image[0, 0, 0, 1]) == pytest.approx(0.8 * 9 / 16)


def test_the_lifter_is_shown_the_lens_that_it_is_told():
    """A lifter that takes rays for metres sees twice the person through half the lens."""
    joints_m = torch.rand(2, 3, 28, 3) - 0.5
    scene = Scene(joints_m, torch.rand(2, 3, 33, 3) - 0.5, torch.zeros(2, 3))
    seen = []

    def lifter(rays, confidence, time_s):
        seen.append(rays)
        return LiftedPose(joints_m + torch.tensor([0.01, 0.0, 0.0]), torch.ones(2, 3, 28))

    found_mm, aligned_mm = errors_mm(lifter, scene, 1.0, 1.0)
    assert found_mm == pytest.approx(10, abs=0.01)
    assert aligned_mm == pytest.approx(0, abs=0.01)
    errors_mm(lifter, scene, 1.0, 0.5)
    torch.testing.assert_close(seen[1], 2 * seen[0])
