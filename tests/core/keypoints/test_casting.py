"""The people who matter are chosen in the first seconds, and then kept."""

import numpy as np

from core.keypoints.casting import Casting
from tests.core.tracking.walkers import film, walk

PICTURE_PX = (1280, 720)


def watch(casting, walks, until_s, fps=25, start_s=0.0):
    """Feed a film; returns the cast after each frame, as distances of their centres from x = 0."""
    times = np.arange(round(start_s * fps), round(until_s * fps)) / fps
    seen = []
    for observation in film(walks, times):
        people = casting.watch(
            observation.frame_index, observation.time_s, observation.detections, PICTURE_PX
        )
        seen.append([round(float(people[n].centre_px[0])) for n in casting.cast if n in people])
    return seen


def test_the_larger_of_two_is_the_main_person():
    far, near = walk(640, 0, height_px=150), walk(400, 0, height_px=400)
    assert watch(Casting(1), [far, near], 1)[-1] == [400]


def test_somebody_larger_who_comes_within_two_seconds_takes_over():
    early, late = walk(640, 0, 200), walk(300, 0, 600, seen=((0.6, 9),))
    casts = watch(Casting(1), [early, late], 4)
    assert casts[0] == [640]
    assert casts[-1] == [300]


def test_a_passer_by_in_front_later_on_does_not():
    main, passer = walk(640, 0, 300), walk(-200, 400, 650, seen=((2.5, 9),))
    casting = Casting(1)
    assert watch(casting, [main, passer], 5) == [[640]] * 125


def test_the_main_person_is_awaited_for_two_seconds_then_replaced():
    main, other = walk(640, 0, 300, seen=((0, 3),)), walk(200, 0, 200)
    casts = watch(Casting(1), [main, other], 6)
    assert casts[80] == []
    assert casts[-1] == [200]


def test_places_are_filled_and_no_more_than_that():
    casting = Casting(2)
    watch(casting, [walk(200, 0, 200), walk(600, 0, 300), walk(1000, 0, 250)], 1)
    assert casting.is_full
    assert len(casting.cast) == 2


def test_alone_one_settles_soon_in_company_later():
    alone = Casting(1)
    watch(alone, [walk(640, 0)], 1)
    assert alone.is_settled(1.0)
    contested = Casting(1)
    watch(contested, [walk(640, 0), walk(200, 0)], 1.5)
    assert not contested.is_settled(1.5)
    watch(contested, [walk(640, 0), walk(200, 0)], 2.5, start_s=1.5)
    assert contested.is_settled(2.5)


def test_nobody_is_nobody():
    casting = Casting(2)
    assert watch(casting, [], 1)[-1] == []
    assert not casting.is_full
