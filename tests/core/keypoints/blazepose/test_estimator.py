"""The whole estimator on real pictures."""

import numpy as np
import pytest

from core.contracts import PoseModel
from core.keypoints.blazepose import estimator as estimator_room
from core.keypoints.blazepose.estimator import BlazePoseEstimator
from core.keypoints.blazepose.stretches import stretches
from core.keypoints.estimators import PoseEstimators
from core.keypoints.landmarker import Landmarker, Mode
from core.keypoints.protocol import KeypointEstimator, LooksAhead
from core.tracking.sightings import measure
from core.video.frames import Frame

pytestmark = pytest.mark.assets


def observe(networks, frames, max_persons=1, **options):
    with BlazePoseEstimator(networks, max_persons, **options) as estimator:
        seen = list(estimator.observe(frames))
    assert [frame for frame, _ in seen] == list(frames)
    return [people for _, people in seen]


def centres(people):
    return [measure(person).centre_px for person in people]


def apart(some, others):
    """Distances of keypoints both are sure of, in body sizes; one person in each frame."""
    return np.concatenate(
        [
            np.hypot(*(one.keypoints_px - other.keypoints_px).T)[
                (one.confidence > 0.5) & (other.confidence > 0.5)
            ]
            / measure(one).size_px
            for one, other in zip(some, others, strict=True)
        ]
    )


def test_it_is_an_estimator_like_any_other(networks):
    estimator = BlazePoseEstimator(networks, 1)
    assert isinstance(estimator, KeypointEstimator)
    assert isinstance(estimator, LooksAhead)


@pytest.mark.parametrize("second_pass", [False, True])
def test_as_near_to_video_mode_as_mediapipes_own_image_mode(
    networks, full_bundle, dancer, second_pass
):
    """VIDEO mode filters what it tracks, so it is no nearer to its own unfiltered networks."""
    frames = dancer[:16]
    ours = [person for (person,) in observe(networks, frames, second_pass=second_pass)]
    with (
        PoseEstimators(lambda _: full_bundle) as estimators,
        estimators.open(PoseModel.FULL) as tracker,
        Landmarker(full_bundle, Mode.STILL) as still,
    ):
        video = [tracker.estimate(frame)[0] for frame in frames]
        images = [still.read(frame.rgb, 0.0)[0] for frame in frames]
    floor, found = apart(video, images), apart(video, ours)
    assert np.median(found) < 1.1 * np.median(floor)
    assert np.percentile(found, 95) < 1.1 * np.percentile(floor, 95)
    hints = np.median([np.abs(a.hint_m - b.hint_m) for a, b in zip(video, ours, strict=True)])
    assert hints < 0.02


def test_the_small_man_is_followed_while_somebody_walks_by(networks, demo_frames):
    """He is 150 of 884 pixels tall, and the detector overlooks him in most whole pictures."""
    frames = demo_frames[68:84]
    missed = [
        frame.index
        for frame, people in zip(frames, observe(networks, frames), strict=True)
        if not any(290 < x < 420 and y < 190 for x, y in centres(people))
    ]
    assert len(missed) <= 3


def test_two_people_are_both_found_and_nobody_twice(networks, man):
    pairs = [Frame(f.index, f.time_s, np.hstack([f.rgb, f.rgb])) for f in man[:12]]
    for people in observe(networks, pairs, max_persons=2):
        assert sorted(x // 260 for x, _ in centres(people)) == [0, 1]


def test_somebody_comes_and_goes(networks, man):
    empty = np.full_like(man[0].rgb, 90)
    pictures = [empty] * 7 + [frame.rgb for frame in man[:9]] + [empty] * 8
    frames = [Frame(index, index / 30, rgb) for index, rgb in enumerate(pictures)]
    counts = [len(people) for people in observe(networks, frames)]
    assert counts[:6] == [0] * 6
    assert counts[10:15] == [1] * 5
    assert counts[17:] == [0] * 7


def test_cutting_the_video_elsewhere_changes_nothing(networks, man, monkeypatch):
    """How long a stretch may be depends on the size of pictures; the result must not."""
    frames = man[:9]
    whole = observe(networks, frames, second_pass=True)
    monkeypatch.setattr(estimator_room, "stretches", lambda f: stretches(f, most_frames=6))
    parts = observe(networks, frames, second_pass=True)
    for (one,), (other,) in zip(whole, parts, strict=True):
        np.testing.assert_allclose(one.keypoints_px, other.keypoints_px, atol=0.05)


def test_a_frame_at_a_time(networks, man):
    ahead = [person for (person,) in observe(networks, man[:6])]
    with BlazePoseEstimator(networks, 1) as estimator:
        alone = [estimator.estimate(frame)[0] for frame in man[:6]]
    assert np.median(apart(ahead, alone)) < 0.03


def test_a_video_of_one_frame(networks, man):
    ((person,),) = observe(networks, man[:1])
    assert person.hint_m is not None
    assert observe(networks, []) == []


def test_pictures_of_nothing(networks):
    for shape in ((64, 64, 3), (9, 200, 3)):
        frames = [Frame(index, index / 30, np.full(shape, 99, np.uint8)) for index in range(3)]
        assert observe(networks, frames) == [[]] * 3
