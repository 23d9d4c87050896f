"""Held to MediaPipe's own landmarker in each of its modes."""

from dataclasses import replace

import numpy as np
import pytest

from core.keypoints.landmarker import Landmarker, Mode
from core.keypoints.litert.landmarker import LiteLandmarker, _associate
from core.keypoints.litert.networks import LiteNetworks
from core.video.frames import Frame

pytestmark = pytest.mark.assets


@pytest.fixture(scope="module")
def networks(full_bundle):
    return LiteNetworks.load(full_bundle)


@pytest.fixture(scope="module")
def close_up(demo_frames):
    """The gesturing man alone, as large as the detector likes people."""
    return [
        Frame(frame.index, frame.time_s, frame.rgb[:260, 190:450].repeat(2, 0).repeat(2, 1))
        for frame in demo_frames[10:70]
    ]


def everything(landmarker, frames):
    return [landmarker.read(frame.rgb, frame.time_s) for frame in frames]


def apart_px(one, other):
    """Of all keypoints in frames where both see as many people."""
    assert [len(people) for people in one] == [len(people) for people in other]
    return np.array(
        [
            np.hypot(*(mine.keypoints_px - theirs.keypoints_px).T)
            for people, their_people in zip(one, other, strict=True)
            for mine, theirs in zip(people, their_people, strict=True)
        ]
    )


@pytest.mark.parametrize("mode", [Mode.STILL, Mode.SCOUTING])
def test_what_is_not_filtered_is_mediapipes(networks, full_bundle, close_up, mode):
    """Room for a third keeps the scout looking: two it had tracked would drift as trackers do."""
    two = [Frame(f.index, f.time_s, np.hstack([f.rgb, f.rgb[:, ::-1]])) for f in close_up[:40:4]]
    with Landmarker(full_bundle, mode, 3) as theirs:
        expected = everything(theirs, two)
    seen = everything(LiteLandmarker(networks, mode, 3), two)
    assert sum(map(len, seen)) >= 16
    apart = apart_px(seen, expected)
    assert np.median(apart) < 0.02
    assert np.percentile(apart, 95) < 0.2
    for people, their_people in zip(seen, expected, strict=True):
        for mine, other in zip(people, their_people, strict=True):
            np.testing.assert_allclose(mine.confidence, other.confidence, atol=0.02)
            assert np.median(np.abs(mine.hint_m - other.hint_m)) < 0.0005


def test_a_tracker_is_mediapipes_within_its_own_noise(networks, full_bundle, close_up):
    """A grey level of noise, which nobody can see, moves MediaPipe's tracking from itself.

    By how much is chance: of eight draws the 95th percentiles were 6 to 26 px. So both see four.
    """

    def tracked(frames):
        with Landmarker(full_bundle, Mode.TRACKING) as theirs:
            return everything(theirs, frames)

    expected = tracked(close_up)
    draws = [with_noise(close_up, seed) for seed in range(4)]
    noise = np.concatenate([apart_px(tracked(frames), expected) for frames in draws])
    ours = np.concatenate(
        [
            apart_px(everything(LiteLandmarker(networks, Mode.TRACKING), frames), expected)
            for frames in draws
        ]
    )
    assert len(ours) > 200
    assert np.median(ours) < 1.2 * np.median(noise)
    assert np.percentile(ours, 95) < 1.2 * np.percentile(noise, 95)


def with_noise(frames, seed):
    random = np.random.default_rng(seed)
    return [
        Frame(
            frame.index,
            frame.time_s,
            (frame.rgb + random.integers(-1, 2, frame.rgb.shape)).clip(0, 255).astype(np.uint8),
        )
        for frame in frames
    ]


def test_who_is_forgotten_is_not_tracked_on(networks, demo_frames):
    """The detector overlooks the small man in frame 37; only tracking brings him along."""
    lit, whole = np.zeros_like(demo_frames[36].rgb), demo_frames[37].rgb
    lit[:260, 200:460] = demo_frames[36].rgb[:260, 200:460]
    tracker = LiteLandmarker(networks, Mode.TRACKING)
    assert tracker.read(lit, 0.0)
    assert tracker.read(whole, 0.03)
    assert tracker.forget()
    assert not tracker.read(whole, 0.09)


def test_a_tracker_that_forgot_repeats_itself(networks, close_up):
    tracker = LiteLandmarker(networks, Mode.TRACKING)
    first = everything(tracker, close_up[:6])
    tracker.forget()
    assert (apart_px(everything(tracker, close_up[:6]), first) == 0).all()


def test_a_tracker_that_takes_over_goes_on_as_if_it_had_seen_it_itself(networks, close_up):
    whole = LiteLandmarker(networks, Mode.TRACKING)
    expected = everything(whole, close_up[:8])[1:]
    first = close_up[0]
    (seen,) = LiteLandmarker(networks, Mode.SCOUTING).read(first.rgb, first.time_s)
    tracker = LiteLandmarker(networks, Mode.TRACKING)
    everything(tracker, close_up[20:25])  # whom it followed before is forgotten
    assert tracker.take_over(seen, first.time_s)
    assert (apart_px(everything(tracker, close_up[1:8]), expected) == 0).all()
    assert not tracker.take_over(replace(seen, alignment_px=None), first.time_s)


def test_a_padded_picture_is_read_like_a_contiguous_one(networks, demo_frames):
    padded = demo_frames[40].rgb[:260, 200:460]
    assert not padded.flags.c_contiguous
    still = LiteLandmarker(networks, Mode.STILL)
    (one,), (other,) = still.read(padded, 0), still.read(np.ascontiguousarray(padded), 0)
    np.testing.assert_array_equal(one.keypoints_px, other.keypoints_px)


def someone(x, radius=10.0):
    return np.array([[x, 50.0], [x, 50.0 - radius]])


def test_of_two_in_one_place_the_later_one_stays():
    tracked, same, beside = someone(50), someone(53), someone(80)
    kept = _associate([tracked, beside, same])
    assert [one[0, 0] for one in kept] == [80, 53]
    assert len(_associate([someone(50), someone(50, radius=15)])) == 2
