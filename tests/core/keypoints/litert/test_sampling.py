"""Crops for one picture, held to those for batches."""

import numpy as np
import pytest
import torch

from core.keypoints.blazepose.crops import upright_crops
from core.keypoints.blazepose.sampling import Beyond, sample_crops
from core.keypoints.litert.sampling import cut_crop

SIDE = 32


@pytest.mark.parametrize("beyond", Beyond)
@pytest.mark.parametrize("seed", range(6))
def test_a_crop_is_bit_for_bit_the_one_of_a_batch(seed, beyond):
    """Small and large ones, turned, and partly outside of the picture."""
    random = np.random.default_rng(seed)
    rgb = random.integers(0, 256, (40, 60, 3), np.uint8)
    placement = upright_crops(random.uniform((-10, -10), (70, 50), (1, 2, 2)))
    crop = cut_crop(rgb, placement[0], SIDE, beyond)
    batch = sample_crops(
        torch.from_numpy(rgb)[None], torch.tensor([0]), torch.from_numpy(placement), SIDE, beyond
    )
    np.testing.assert_array_equal(crop, batch[0].permute(1, 2, 0).numpy())
