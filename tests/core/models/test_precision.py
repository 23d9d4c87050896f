import pytest
import torch

from core.models import Lifter
from core.models.config import PRESETS
from core.models.precision import for_products, full_precision

CPU = torch.device("cpu")


def test_products_keep_their_bits_inside_autocast_where_they_must():
    matrix = torch.rand(3, 3)
    with torch.autocast("cpu", torch.bfloat16):
        assert (matrix @ matrix).dtype == torch.bfloat16
        assert for_products(matrix).dtype == torch.bfloat16
        with full_precision(CPU):
            assert (matrix @ matrix).dtype == torch.float32
            assert for_products(matrix).dtype == torch.float32
    with full_precision(CPU):
        assert for_products(matrix) is matrix


@pytest.fixture
def lifter():
    torch.manual_seed(0)
    return Lifter(PRESETS["small"]).eval()


def test_under_autocast_a_lifter_still_answers_in_all_bits(lifter):
    """A metre in bf16 comes in steps of 4 mm: then hardly a number would not be such a step."""
    inputs = (torch.rand(1, 5, 33, 2) - 0.5, torch.ones(1, 5, 33), torch.arange(5.0)[None] / 30)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        pose = lifter(*inputs)
    assert pose.joints_m.dtype == torch.float32
    rounded = pose.joints_m.bfloat16().float()
    assert (rounded != pose.joints_m).float().mean() > 0.9


def test_autocast_does_not_blur_times(lifter):
    """Two frames 1/60 s apart, two seconds after the first, are one time in bf16."""
    inputs = (torch.rand(1, 3, 33, 2) - 0.5, torch.ones(1, 3, 33))
    near = torch.tensor([[0.0, 2.0, 2.0 + 1 / 250]])
    far = torch.tensor([[0.0, 2.0, 2.0 + 1 / 125]])
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        assert near[0, 1:].bfloat16().unique().numel() == 1
        assert not torch.equal(lifter(*inputs, near).joints_m, lifter(*inputs, far).joints_m)
