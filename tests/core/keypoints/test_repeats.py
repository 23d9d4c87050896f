"""Nobody is reported twice, and nobody beside somebody else goes missing."""

import numpy as np

from core.keypoints.protocol import Detection
from core.keypoints.repeats import without_repeats
from tests.core.tracking.walkers import figure

HERE = figure(400, 700, 300, confidence=0.7)
NEARLY_HERE = figure(420, 690, 310, confidence=0.9)
BESIDE = figure(600, 700, 300)


def test_a_scouted_repeat_of_somebody_followed_is_dropped_however_sure():
    assert without_repeats([HERE], [NEARLY_HERE]) == [HERE]


def test_of_two_scouted_repeats_the_surer_stays():
    assert without_repeats([], [HERE, NEARLY_HERE]) == [NEARLY_HERE]


def test_two_followers_on_one_person_become_one():
    again = figure(401, 700, 300)
    assert without_repeats([HERE, again], []) == [HERE]


def test_people_side_by_side_both_stay_followed_first():
    assert without_repeats([BESIDE], [HERE, NEARLY_HERE]) == [BESIDE, NEARLY_HERE]


def test_a_child_in_front_of_an_adult_stays():
    child = figure(400, 700, 120)
    assert without_repeats([], [NEARLY_HERE, child]) == [NEARLY_HERE, child]


def test_what_shows_no_body_is_dropped():
    nothing = Detection(np.full((33, 2), np.nan, np.float32), np.zeros(33, np.float32))
    point = Detection(np.full((33, 2), 5, np.float32), np.ones(33, np.float32))
    assert without_repeats([nothing], [point]) == []
