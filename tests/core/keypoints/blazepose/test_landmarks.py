"""Decoding of the landmark network's outputs."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from core.keypoints.blazepose.landmarks import decode_landmarks, refine

HEIGHT = WIDTH = 64


def refined_one_by_one(x: float, y: float, heat_map: np.ndarray) -> tuple[float, float]:
    """The definition, cell by cell."""
    column, row = int(x * WIDTH), int(y * HEIGHT)
    if column < 0 or row < 0 or column >= WIDTH:
        return x, y
    cells = [
        (r, c, 1 / (1 + np.exp(-float(heat_map[r, c]))))
        for r in range(max(0, row - 3), min(HEIGHT, row + 4))
        for c in range(max(0, column - 3), min(WIDTH, column + 4))
    ]
    if not cells or max(heat for _, _, heat in cells) < 0.5:
        return x, y
    total = sum(heat for _, _, heat in cells)
    return (
        sum(c * heat for _, c, heat in cells) / total / WIDTH,
        sum(r * heat for r, _, heat in cells) / total / HEIGHT,
    )


@given(st.floats(-0.25, 1.25, width=32), st.floats(-0.25, 1.25, width=32), st.integers(0, 3))
def test_refinement_by_its_definition(x, y, seed):
    heat_map = np.random.default_rng(seed).normal(-2 * seed, 2, (HEIGHT, WIDTH)).astype(np.float32)
    points = torch.tensor([[[x, y]]])
    actual = refine(points, torch.from_numpy(heat_map)[None, None])[0, 0]
    np.testing.assert_allclose(actual, refined_one_by_one(x, y, heat_map), atol=1e-5)


def test_where_each_number_goes():
    """Cold heat maps leave the landmarks where they are."""
    numbers = torch.zeros(2, 39, 5)
    numbers[..., 0], numbers[..., 1] = 64.0, 192.0
    numbers[1, 7] = torch.tensor([256.0, 0.0, 9.0, 100.0, -100.0])
    world = torch.arange(2 * 117).view(2, 117).float()
    cold = torch.full((2, 39, 64, 64), -50.0)
    seen = decode_landmarks(numbers.view(2, -1), torch.tensor([[0.2], [0.9]]), cold, world)
    assert seen.points.shape == (2, 35, 2)
    np.testing.assert_allclose(seen.points[0], np.full((35, 2), [0.25, 0.75]))
    np.testing.assert_allclose(seen.points[1, 7], [1, 0])
    np.testing.assert_allclose(seen.confidence[0], 0.25)
    np.testing.assert_allclose(seen.confidence[1, 7], 0, atol=1e-6)
    np.testing.assert_allclose(seen.world_m[1, 1], [120, 121, 122])
    np.testing.assert_allclose(seen.presence, [0.2, 0.9])
