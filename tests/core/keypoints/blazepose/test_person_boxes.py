"""Guesses about one picture become people."""

import numpy as np

from core.keypoints.blazepose.person_boxes import ANCHORS, decode_boxes

MIDDLE = 14 * 28 * 2 + 14 * 2  # first guess of the finest map's cell (14, 14)
ITS_CENTRE = 14.5 / 28


def guesses(**boxes_at: tuple[int, float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Boxes 56 pixels a side at an anchor: shift in x in pixels, logit."""
    numbers = np.zeros((ANCHORS, 12), np.float32)
    logits = np.full(ANCHORS, -200.0, np.float32)
    for anchor, shift_px, logit in boxes_at.values():
        numbers[anchor] = (shift_px, 0, 56, 56, shift_px, 28, shift_px, -28, 0, 0, 0, 0)
        logits[anchor] = logit
    return numbers, logits


def test_nobody():
    people = decode_boxes(*guesses())
    assert (len(people.score), people.box.shape, people.alignment.shape) == (0, (0, 4), (0, 2, 2))


def test_one_guess_in_sides_of_the_crop():
    """Source: worked by hand; 56 of 224 pixels are a quarter."""
    people = decode_boxes(*guesses(one=(MIDDLE, 0, 0)))
    np.testing.assert_allclose(people.score, [0.5])
    low, high = ITS_CENTRE - 0.125, ITS_CENTRE + 0.125
    np.testing.assert_allclose(people.box, [[low, low, high, high]])
    np.testing.assert_allclose(
        people.alignment, [[[ITS_CENTRE, ITS_CENTRE + 0.125], [ITS_CENTRE, ITS_CENTRE - 0.125]]]
    )


def test_guesses_that_overlap_are_averaged_by_score():
    surer, less_sure = np.log(0.9 / 0.1), np.log(0.6 / 0.4)
    people = decode_boxes(*guesses(one=(MIDDLE, 0, less_sure), two=(MIDDLE + 1, 5, surer)))
    np.testing.assert_allclose(people.score, [0.9], rtol=1e-6)
    shift = 5 / 224 * 0.9 / 1.5
    np.testing.assert_allclose(people.alignment[0, :, 0], ITS_CENTRE + shift, rtol=1e-6)


def test_people_side_by_side_stay_two_the_surest_first():
    people = decode_boxes(*guesses(one=(MIDDLE, 0, 1.0), two=(MIDDLE, 0, 1.0), far=(3, 0, 2.0)))
    assert len(people.score) == 2
    assert people.score[0] > people.score[1]
    assert people.box[0, 3] < 0.2


def test_no_guess_below_one_half():
    assert len(decode_boxes(*guesses(one=(MIDDLE, 0, -0.01))).score) == 0
