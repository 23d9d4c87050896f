"""Colours tell the person who is followed from whoever slides into their place."""

import numpy as np

from core.keypoints.looks import Looks
from core.tracking.sightings import measure
from tests.core.tracking.walkers import figure

HERE = measure(figure(300, 700, 300))
ONE_STEP_ON = measure(figure(340, 700, 300))
FRAME_S = 1 / 30


def picture(*colour):
    return np.full((720, 1280, 3), colour, np.uint8)


RED, BLUE, DARK_RED = picture(200, 30, 30), picture(30, 30, 200), picture(150, 20, 20)


def looks_after(rgb, seconds=0.5):
    looks = Looks()
    for index in range(round(seconds / FRAME_S)):
        looks.learn(7, rgb, HERE, index * FRAME_S)
    return looks, seconds


def test_a_jerk_onto_other_colours_is_a_swap():
    looks, now_s = looks_after(RED)
    assert looks.was_swapped(7, BLUE, ONE_STEP_ON, now_s)


def test_a_jerk_alone_is_not():
    looks, now_s = looks_after(RED)
    assert not looks.was_swapped(7, RED, ONE_STEP_ON, now_s)
    assert not looks.was_swapped(7, DARK_RED, ONE_STEP_ON, now_s)


def test_other_colours_alone_are_not():
    """Lights go on, or somebody turns round."""
    looks, now_s = looks_after(RED)
    assert not looks.was_swapped(7, BLUE, HERE, now_s)


def test_the_same_step_is_no_jerk_when_frames_are_far_apart():
    looks, now_s = looks_after(RED)
    assert not looks.was_swapped(7, BLUE, ONE_STEP_ON, now_s + 0.5)


def test_who_stands_in_for_somebody_hidden_is_known_by_colour_and_place():
    looks, _ = looks_after(RED)
    far_off = measure(figure(900, 700, 300))
    assert looks.is_stand_in(7, BLUE, ONE_STEP_ON)
    assert not looks.is_stand_in(7, RED, ONE_STEP_ON)
    assert not looks.is_stand_in(7, BLUE, far_off)


def test_looks_are_learnt_anew_within_half_a_second():
    looks, now_s = looks_after(RED)
    for index in range(15):
        looks.learn(7, BLUE, HERE, now_s + index * FRAME_S)
    assert looks.is_stand_in(7, RED, HERE)
    assert not looks.is_stand_in(7, BLUE, HERE)


def test_strangers_and_the_forgotten_are_nobody():
    looks, now_s = looks_after(RED)
    looks.forget_all_but({3})
    assert not looks.was_swapped(7, BLUE, ONE_STEP_ON, now_s)
    assert not looks.is_stand_in(7, BLUE, HERE)


def test_a_person_who_reaches_out_of_the_picture_has_a_look():
    looks = Looks()
    outside = measure(figure(-50, 900, 900))
    looks.learn(1, RED, outside, 0.0)
    assert not looks.is_stand_in(1, RED, outside)
