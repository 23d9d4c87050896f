import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.keypoints.protocol import Detection
from core.skeleton import KEYPOINT_NAMES
from core.tracking.tracks import Observation, TrackReport, follow_known_person
from tests.core.tracking.walkers import centre_x, figure, film, follow, joined, walk


def seen_at(times_s: np.ndarray, seen: np.ndarray, x_px: np.ndarray) -> list[Observation]:
    return [
        Observation(i, float(t), [figure(float(x), 700, 300)] if s else [])
        for i, (t, s, x) in enumerate(zip(times_s, seen, x_px, strict=True))
    ]


@pytest.mark.parametrize(
    ("missing", "filled"),
    [(14, True), (15, False)],  # 15 missing at 30 fps are 16/30 s between the sightings
)
def test_a_gap_is_filled_up_to_the_limit_and_not_beyond(missing: int, filled: bool):
    times = np.arange(120) / 30
    seen = np.ones(120, bool)
    seen[50 : 50 + missing] = False
    track = follow(seen_at(times, seen, 300 + 60 * times), max_gap_s=0.5)
    np.testing.assert_array_equal(track.observed[0], seen)
    gap = track.keypoints_px[0, ~seen]
    assert np.isfinite(gap).all() == filled
    assert np.isnan(gap).all() != filled


def test_times_rounded_to_milliseconds_do_not_open_a_gap_at_the_limit():
    times = np.round(np.arange(90) / 30, 3)
    seen = np.ones(90, bool)
    seen[31:45] = False  # from 1.000 to 1.500 s
    assert np.isfinite(follow(seen_at(times, seen, 300 + 0 * times)).keypoints_px).all()


def test_interpolation_follows_true_time_and_lowers_confidence():
    times = np.cumsum(np.random.default_rng(3).choice([0.02, 0.05, 0.09], 80))
    seen = np.ones(80, bool)
    seen[30:34] = seen[50] = seen[60:62] = False
    track = follow(seen_at(times, seen, 200 + 90 * times), max_gap_s=0.6)
    np.testing.assert_allclose(centre_x(track), 200 + 90 * times, atol=0.5)
    assert (track.confidence[0, ~seen] < 0.5).all()
    assert (track.confidence[0, ~seen] > 0.4).all()


def test_interpolation_bends_with_the_motion():
    times = np.arange(90) / 30
    x_px = 640 + 150 * np.sin(2 * np.pi * times / 2.5)
    seen = np.ones(90, bool)
    seen[45:54] = False
    smooth = np.abs(centre_x(follow(seen_at(times, seen, x_px))) - x_px)[~seen].max()
    straight = np.abs(np.interp(times, times[seen], x_px[seen]) - x_px)[~seen].max()
    assert smooth < 0.5 * straight


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=5, deadline=None)
def test_interpolation_never_leaves_the_range_between_its_ends(seed: int):
    random = np.random.default_rng(seed)

    def shaken(detection: Detection) -> Detection:
        noise = random.normal(0, 8, (33, 2)).astype(np.float32)
        return Detection(detection.keypoints_px + noise, detection.confidence)

    scene = film([walk(600, 30, seen=((0, 0.7), (1.0, 2)))], np.arange(50) / 30)
    scene = [Observation(o.frame_index, o.time_s, [shaken(d) for d in o.detections]) for o in scene]
    track = follow(scene)
    missing = np.flatnonzero(~track.observed[0])
    ends = track.keypoints_px[0, [missing[0] - 1, missing[-1] + 1]]
    inside = track.keypoints_px[0, missing]
    assert (inside >= ends.min(axis=0) - 1e-3).all()
    assert (inside <= ends.max(axis=0) + 1e-3).all()


def test_nothing_is_extrapolated_at_the_ends():
    track = follow(film([walk(300, 60, seen=((0.3, 1.7),))], np.arange(60) / 30))
    present = np.isfinite(centre_x(track))
    np.testing.assert_array_equal(present, track.observed[0])
    assert np.flatnonzero(present)[[0, -1]].tolist() == [9, 50]


def test_no_gaps_are_filled_when_none_are_allowed():
    seen = ((0, 0.6), (0.7, 9))
    track = follow(film([walk(300, 60, seen=seen)], np.arange(60) / 30), max_gap_s=0.0)
    np.testing.assert_array_equal(np.isfinite(centre_x(track)), track.observed[0])
    assert not track.observed.all()


def test_a_long_gap_is_filled_if_the_user_wants_so():
    seen = ((0, 4), (7.5, 9))
    track = follow(film([walk(640, 0, seen=seen)], np.arange(90) / 10), max_gap_s=5.0)
    assert np.isfinite(centre_x(track)).all()
    assert track.observed.sum() == 90 - 35


def test_no_interpolation_leads_from_one_person_to_another():
    first, second = walk(200, 0, seen=((0, 2),)), walk(1100, 0, 330, seen=((2.2, 9),))
    track = follow(film([first, second], np.arange(240) / 30))
    x = centre_x(track)
    assert np.isnan(x[60:66]).all()
    assert set(np.round(x[np.isfinite(x)])) == {200.0, 1100.0}


def test_nothing_is_filled_in_between_two_halves_of_a_body():
    """Arms before the gap, legs behind it: there is nothing to interpolate."""
    arms, legs = (
        [any(part in name for part in parts) for name in KEYPOINT_NAMES]
        for parts in (("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle"))
    )
    whole = figure(300, 700, 300)
    halves = [
        Detection(np.where(np.array(half)[:, None], whole.keypoints_px, np.float32(np.nan)),
                  whole.confidence)
        for half in (arms, legs)
    ]  # fmt: skip
    scene = [Observation(i, i / 30, [] if 10 <= i < 14 else [halves[i >= 14]]) for i in range(24)]
    report = TrackReport()
    chunks = follow_known_person(scene, max_gap_s=0.5, chunk_frames=24, report=report)
    track = joined(list(chunks))
    assert not track.present[0, 10:14].any()
    assert np.isnan(track.confidence[0, 10:14]).all()
    assert report.interpolated_frames == [0]
