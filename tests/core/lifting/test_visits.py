"""What the lifter is shown of a track."""

from dataclasses import replace

import numpy as np

from core.cameras import Camera
from core.chunks import TrackChunk
from core.lifting.visits import find_visits, stack_inputs
from core.lifting.windows import Window
from tests.core.chunk_makers import make_track

CAMERA = Camera.assumed(640, 480)


def visits_of(track):
    return find_visits(track, Window(0, len(track), 0, 0), CAMERA)


def test_the_estimators_own_3d_goes_with_the_keypoints():
    track = make_track(6, persons=2)
    hint_m = np.random.default_rng(0).normal(size=(2, 6, 33, 3)).astype(np.float32)
    inputs = stack_inputs(visits_of(with_hint(track, hint_m)))
    np.testing.assert_array_equal(inputs.hint_m, hint_m)
    np.testing.assert_array_equal(inputs[1:].hint_m, hint_m[1:])


def test_a_hint_of_somebody_who_is_not_there_is_not_shown():
    track = make_track(6, absent=np.arange(6)[None] == 2)
    shown = stack_inputs(visits_of(with_hint(track, np.ones((1, 6, 33, 3), np.float32)))).hint_m
    assert np.isnan(shown[0, 2]).all()
    assert np.isfinite(np.delete(shown[0], 2, axis=0)).all()


def test_keypoints_without_3d_are_lifted_without():
    assert np.isnan(stack_inputs(visits_of(make_track(4))).hint_m).all()


def with_hint(track: TrackChunk, hint_m: np.ndarray) -> TrackChunk:
    return replace(track, hint_m=hint_m)
