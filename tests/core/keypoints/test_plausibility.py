"""Bodies are told from what only looks like landmarks."""

import numpy as np

from core.keypoints.plausibility import looks_like_a_body
from core.keypoints.protocol import Detection
from tests.core.tracking.walkers import figure


def with_hint(torso_m, height_px=300):
    seen = figure(400, 700, height_px)
    hint_m = np.zeros((33, 3), np.float32)
    hint_m[[11, 12], 2] = -torso_m  # towards the camera: foreshortened in the picture
    return Detection(seen.keypoints_px, seen.confidence, hint_m)


def test_an_average_torso_is_a_body_even_seen_end_on():
    assert looks_like_a_body(with_hint(0.46), 1280, 720)


def test_a_torso_of_a_hands_width_is_not():
    assert not looks_like_a_body(with_hint(0.15), 1280, 720)


def test_somebody_too_small_for_the_detector_is_not():
    assert looks_like_a_body(with_hint(0.46, height_px=100), 1280, 720)
    assert not looks_like_a_body(with_hint(0.46, height_px=40), 1280, 720)


def test_without_a_hint_only_the_size_counts():
    assert looks_like_a_body(figure(400, 700, 300), 1280, 720)
    assert not looks_like_a_body(figure(400, 700, 30), 1280, 720)
