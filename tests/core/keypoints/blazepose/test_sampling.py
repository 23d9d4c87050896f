"""Crops pixel by pixel."""

import numpy as np
import pytest
import torch

from core.keypoints.blazepose.crops import level_squares, upright_crops
from core.keypoints.blazepose.sampling import Beyond, sample_crops

SIDE = 16


@pytest.fixture(scope="module")
def pictures() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(1).integers(0, 256, (3, 20, 30, 3), np.uint8))


def cut(pictures, picture_of, placement, beyond=Beyond.BLACK):
    placed = torch.from_numpy(placement)
    return sample_crops(pictures, torch.tensor(picture_of), placed, SIDE, beyond)


def at(left: float, top: float, side: float = SIDE) -> np.ndarray:
    return level_squares(np.array([[left + side / 2, top + side / 2]]), np.array([float(side)]))


def test_a_crop_of_its_own_size_is_the_picture(pictures):
    (crop,) = cut(pictures, [1], at(5, 3))
    np.testing.assert_array_equal(crop.permute(1, 2, 0), pictures[1, 3 : 3 + SIDE, 5 : 5 + SIDE])


def test_half_a_pixel_off_is_the_mean_of_two_rounded_half_up(pictures):
    (crop,) = cut(pictures, [0], at(5.5, 3))
    whole = pictures[0, 3 : 3 + SIDE].int()
    mean = (whole[:, 5 : 5 + SIDE] + whole[:, 6 : 6 + SIDE] + 1) // 2
    np.testing.assert_array_equal(crop.permute(1, 2, 0), mean)


def test_beyond_the_picture(pictures):
    (black,), (edge,) = (cut(pictures, [2], at(-4, -4), beyond) for beyond in Beyond)
    assert (black[:, :4] == 0).all()
    assert (black[:, :, :4] == 0).all()
    np.testing.assert_array_equal(edge[:, 0, 0], pictures[2, 0, 0])
    np.testing.assert_array_equal(edge[:, 1, 4:], pictures[2, 0, :12].T)
    np.testing.assert_array_equal(black[:, 4:, 4:], edge[:, 4:, 4:])


def test_a_quarter_turn(pictures):
    """Somebody whose head points to the right: their right is the picture's bottom."""
    half = SIDE / 2
    placement = upright_crops(
        np.array([[[half + 5, half + 2], [half + 5 + half / 1.25, half + 2]]])
    )
    (crop,) = cut(pictures, [0], placement)
    expected = pictures[0].permute(2, 1, 0).flip(1)  # rows run from right to left, columns down
    left, top = 2, 30 - (5 + SIDE) - 1
    np.testing.assert_array_equal(
        crop[:, 1:], expected[:, top + 1 : top + SIDE, left : left + SIDE]
    )


def test_crops_of_many_pictures_are_those_of_each(pictures):
    dice = np.random.default_rng(2)
    places = [2, 0, 0, 1]
    placement = upright_crops(dice.uniform(0, 20, (4, 2, 2)))
    together = cut(pictures, places, placement)
    for row, place in enumerate(places):
        alone = cut(pictures[place][None], [0], placement[row : row + 1])
        np.testing.assert_array_equal(together[row], alone[0])
