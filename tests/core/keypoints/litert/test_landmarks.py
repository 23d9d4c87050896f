"""One crop's landmarks, held to those of a batch."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from core.keypoints.blazepose import landmarks as of_batches
from core.keypoints.litert.landmarks import decode_landmarks


@given(st.integers(0, 2**16), st.sampled_from((-12.0, -2.0, 0.0)))
def test_the_numbers_of_a_batch(seed, warmth):
    """Landmarks may lie off the map on any side, and maps be sure or not."""
    random = np.random.default_rng(seed)
    numbers = random.uniform(-60, 320, (39, 5)).astype(np.float32)
    presence = random.uniform(size=1).astype(np.float32)
    heat = random.normal(warmth, 4, (64, 64, 39)).astype(np.float32)
    world = random.normal(size=117).astype(np.float32)
    seen = decode_landmarks(numbers.ravel(), presence, heat, world)
    batch = of_batches.decode_landmarks(
        torch.from_numpy(numbers).view(1, -1),
        torch.from_numpy(presence)[None],
        torch.from_numpy(heat)[None].permute(0, 3, 1, 2),
        torch.from_numpy(world)[None],
    )
    np.testing.assert_allclose(seen.points, batch.points[0], atol=1e-6)
    np.testing.assert_allclose(seen.confidence, batch.confidence[0], atol=1e-6)
    np.testing.assert_array_equal(seen.world_m, batch.world_m[0])
    np.testing.assert_allclose(seen.presence, batch.presence[0])


def test_nothing_of_the_networks_memory_is_kept():
    """LiteRT writes the next picture's outputs there."""
    outputs = [np.zeros(shape, np.float32) for shape in (195, 1, (64, 64, 39), 117)]
    seen = decode_landmarks(*outputs)
    kept = (seen.points, seen.confidence, seen.world_m)
    assert not any(np.shares_memory(one, output) for one in kept for output in outputs)
