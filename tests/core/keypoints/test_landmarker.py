"""One real landmarker and its oddities."""

import numpy as np
import pytest

from core.errors import AssetCorrupt
from core.keypoints.landmarker import Landmarker, Mode
from core.skeleton import KEYPOINT_NAMES

pytestmark = pytest.mark.assets

NOSE, LEFT_HIP, RIGHT_HIP, LEFT_ANKLE = (
    KEYPOINT_NAMES.index(name) for name in ("nose", "left_hip", "right_hip", "left_ankle")
)


@pytest.fixture(scope="module")
def tracked(full_bundle, demo_frames):
    """What a tracker says about the man's gestures, alone in the picture."""
    with Landmarker(full_bundle, Mode.TRACKING) as tracker:
        frames = [frame for frame in demo_frames if 8 <= frame.index < 44]
        return [person for frame in frames for person in tracker.read(frame.rgb, frame.time_s)]


@pytest.fixture(scope="module")
def still(full_bundle):
    with Landmarker(full_bundle, Mode.STILL) as landmarker:
        yield landmarker


def around_the_man(frame):
    return frame.rgb[:260, 200:460]


def test_keypoints_are_pixels_of_the_picture(tracked):
    hips = np.array([(p.keypoints_px[LEFT_HIP] + p.keypoints_px[RIGHT_HIP]) / 2 for p in tracked])
    assert len(tracked) > 20
    assert np.hypot(*(np.median(hips, 0) - (320, 130)).T) < 25


def test_the_hint_is_in_metres_x_right_y_down_hips_in_the_middle(tracked):
    for person in tracked:
        hint = person.hint_m
        assert np.abs(hint[[LEFT_HIP, RIGHT_HIP]].mean(0)).max() < 0.05
        assert hint[NOSE, 1] < -0.3 < 0.3 < hint[LEFT_ANKLE, 1]
        assert np.corrcoef(hint[:, 0], person.keypoints_px[:, 0])[0, 1] > 0.9


def test_the_hint_points_away_from_the_camera(still, demo_frames):
    """From frame 105 to 150 the man is turned to the right of the picture: his left is farther."""
    (person,) = still.read(around_the_man(demo_frames[112]), 0.0)
    left, right = (KEYPOINT_NAMES.index(f"{side}_shoulder") for side in ("left", "right"))
    assert person.hint_m[left, 2] > person.hint_m[right, 2] + 0.1


def test_visibility_is_as_the_network_said_it(full_bundle, demo_frames):
    """If the filter were not what we undo, values would leave 0 to 1 as an arm is hidden."""
    with Landmarker(full_bundle, Mode.TRACKING) as tracker:
        said = []
        undo = tracker._unsmoothed
        tracker._unsmoothed = lambda smoothed: said.append(undo(smoothed)) or said[-1]
        for frame in demo_frames[84:124]:
            tracker.read(around_the_man(frame), frame.time_s)
    said = np.array(said)
    assert len(said) > 30
    assert said.min() > -1e-4
    assert said.max() < 1 + 1e-4
    elbow = said[:, KEYPOINT_NAMES.index("left_elbow")]
    assert elbow.max() > 0.9
    assert elbow.min() < 0.1


def test_a_padded_picture_is_read_like_a_contiguous_one(still, demo_frames):
    padded = around_the_man(demo_frames[40])
    assert not padded.flags.c_contiguous
    (one,), (other,) = still.read(padded, 0), still.read(np.ascontiguousarray(padded), 0)
    np.testing.assert_array_equal(one.keypoints_px, other.keypoints_px)


@pytest.mark.parametrize("times_s", [[5, 5, 5], [-3.2, -3.1, -3.0], [0, 1e-4, 2e-4], [0, 9e4, 9e5]])
def test_any_times_will_do(full_bundle, demo_frames, times_s):
    with Landmarker(full_bundle, Mode.TRACKING) as tracker:
        people = [tracker.read(around_the_man(demo_frames[40]), time_s) for time_s in times_s]
    assert all(people)


def test_who_is_forgotten_is_not_tracked_on(full_bundle, demo_frames):
    """The detector overlooks the small man in frame 37; only tracking brings him along."""
    lit, whole = np.zeros_like(demo_frames[36].rgb), demo_frames[37].rgb
    lit[:260, 200:460] = around_the_man(demo_frames[36])
    with Landmarker(full_bundle, Mode.TRACKING) as tracker:
        assert tracker.read(lit, 0.0)
        assert tracker.read(whole, 0.03)
        assert tracker.forget()
        assert not tracker.read(whole, 0.09)


def test_a_scout_that_starts_over_repeats_itself(full_bundle, demo_frames):
    frames = demo_frames[3:16]
    with Landmarker(full_bundle, Mode.SCOUTING, 2) as scout:
        runs = []
        for _ in range(2):
            runs.append([p.keypoints_px for f in frames for p in scout.read(f.rgb, f.time_s)])
            assert scout.start_over()
    assert len(runs[0]) > 5
    np.testing.assert_array_equal(*runs)


def test_a_bundle_that_mediapipe_cannot_load(tmp_path):
    (tmp_path / "mine.task").write_bytes(b"no bundle")
    with pytest.raises(AssetCorrupt, match=r"cannot load mine\.task"):
        Landmarker(tmp_path / "mine.task", Mode.STILL)


def test_start_up_is_silent(full_bundle, demo_frames, capfd):
    with Landmarker(full_bundle, Mode.TRACKING) as tracker:
        tracker.read(around_the_man(demo_frames[40]), 0.0)
    assert capfd.readouterr().err == ""
