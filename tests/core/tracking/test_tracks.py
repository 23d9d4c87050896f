import gc
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.keypoints.protocol import Detection
from core.skeleton import KEYPOINT_MIRROR
from core.tracking.sightings import Sighting
from core.tracking.tracks import Observation, TrackReport, follow_known_person, follow_persons
from tests.core.tracking.walkers import centre_x, figure, film, follow, walk

FPS = 30


def seconds(duration: float, fps: float = FPS) -> np.ndarray:
    return np.arange(round(duration * fps)) / fps


def test_one_walker_is_passed_through_unchanged():
    scene = film([walk(100, 80)], seconds(3))
    track = follow(scene)
    expected = np.stack([o.detections[0].keypoints_px for o in scene])
    np.testing.assert_array_equal(track.keypoints_px[0], expected)
    np.testing.assert_array_equal(track.confidence[0], 0.9 * np.ones((90, 33), np.float32))
    assert track.observed.all()
    assert track.hint_m is None
    assert track.frame_index.tolist() == list(range(90))


def test_crossing_people_keep_their_identity():
    scene = film([walk(200, 150, 300), walk(1000, -150, 330, 712)], seconds(5))
    track = follow(scene, max_persons=2)
    assert np.isfinite(track.keypoints_px).all()
    speeds = [np.diff(centre_x(track, slot)) * FPS for slot in (0, 1)]
    for speed in speeds:
        assert np.ptp(speed) < 5  # nobody turns round half way
    assert np.sign(speeds[0][0]) == -np.sign(speeds[1][0])


def test_crossing_people_keep_their_identity_when_one_is_hidden():
    hidden = ((0.0, 2.4), (2.8, 9.0))
    scene = film([walk(200, 160, 300), walk(1000, -160, 290, seen=hidden)], seconds(5))
    track = follow(scene, max_persons=2)
    rightward = track.keypoints_px[0] if centre_x(track, 0)[0] < 600 else track.keypoints_px[1]
    assert rightward[-1, 23, 0] > 900
    assert np.isfinite(track.keypoints_px).all()  # the hidden moment is interpolated


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=4, deadline=None)
def test_the_order_of_detections_plays_no_role(seed: int):
    scene = film([walk(200, 150), walk(1000, -150, 310), walk(600, 5, 150, 500)], seconds(2.5, 10))
    random = np.random.default_rng(seed)
    shuffled = [
        Observation(o.frame_index, o.time_s, [o.detections[i] for i in random.permutation(3)])
        for o in scene
    ]
    np.testing.assert_array_equal(
        follow(shuffled, max_persons=3).keypoints_px, follow(scene, max_persons=3).keypoints_px
    )


def test_the_main_person_stays_main_while_a_larger_one_passes_in_front():
    main = walk(600, 10, 300, 650, seen=((0, 3.0), (3.6, 9)))  # hidden while covered
    passer = walk(-700, 400, 420, 715, seen=((2.0, 4.7),))
    report = TrackReport()
    track = follow(film([passer, main], seconds(7)), report=report)
    x = centre_x(track)
    assert np.nanmax(np.abs(x - (600 + 10 * track.frame_time_s))) < 5
    assert np.isfinite(x[-1])
    assert report.reentry_count == 0
    assert report.most_people == 2
    assert report.as_quality()["people_not_followed"] == 1


def test_the_main_person_is_chosen_over_someone_far_behind_from_the_first_frame():
    behind = walk(640, 0, 90, 400)
    main = walk(300, 60, 320, 700, seen=((0.5, 9),))
    track = follow(film([behind, main], seconds(4)))
    x = centre_x(track)
    assert np.isnan(x[:15]).all()  # the far one is not taken in the meantime
    np.testing.assert_allclose(x[15:], 300 + 60 * track.frame_time_s[15:], atol=0.1)


def test_of_two_equals_the_central_one_is_main():
    scene = film([walk(60, 0), walk(640, 0)], seconds(1))
    assert centre_x(follow(scene))[0] == pytest.approx(640, abs=1)
    assert centre_x(follow(scene, picture_px=(120, 720)))[0] == pytest.approx(60, abs=1)


def test_a_person_who_leaves_and_returns_resumes_the_track():
    first, second = walk(640, 100, seen=((0, 3),)), walk(1600, -100, 310, seen=((7, 12),))
    report = TrackReport()
    track = follow(film([first, second], seconds(12)), report=report)
    present = np.isfinite(centre_x(track))
    np.testing.assert_array_equal(np.flatnonzero(np.diff(present)), [89, 209])
    assert track.observed.sum() == 90 + 150
    assert [(r.slot, round(r.time_s, 2), round(r.gap_s, 1)) for r in report.reentries] == [
        (0, 7.0, 4.0)
    ]


def test_somebody_lost_and_found_in_the_same_place_goes_on_at_once():
    # Seen too briefly to be waited for, and back a second later where they were.
    scene = film([walk(640, 0, seen=((0, 0.5), (1.5, 4)))], seconds(4))
    report = TrackReport()
    track = follow(scene, report=report)
    np.testing.assert_array_equal(track.observed[0], [bool(o.detections) for o in scene])
    assert [round(r.gap_s, 1) for r in report.reentries] == [1.0]


def test_a_bystander_does_not_take_over_before_two_seconds():
    main, bystander = walk(640, 0, seen=((0, 2),)), walk(1000, 0)
    track = follow(film([main, bystander], seconds(6)))
    x = centre_x(track)
    assert np.isnan(x[60:119]).all()
    np.testing.assert_allclose(x[121:], 1000, atol=1)


def test_somebody_of_another_size_takes_over_later_only():
    main, coach = walk(300, 0, 400, seen=((0, 2),)), walk(900, 0, 120, 400)
    track = follow(film([main, coach], seconds(9)))
    x = centre_x(track)
    assert np.isnan(x[60 : 60 + 60]).all()
    assert x[-1] == pytest.approx(900, abs=1)


def test_people_of_several_persons_take_free_slots():
    late = walk(300, 0, 290, seen=((2, 9),))
    track = follow(film([walk(900, 0), late], seconds(5)), max_persons=3)
    assert centre_x(track, 0)[0] == pytest.approx(900, abs=1)
    assert np.isnan(centre_x(track, 1)[:60]).all()
    assert centre_x(track, 1)[60] == pytest.approx(300, abs=1)
    assert np.isnan(centre_x(track, 2)).all()


def test_a_newcomer_does_not_take_the_slot_of_somebody_who_left_while_one_is_free():
    left, stays = walk(900, 0, seen=((0, 2),)), walk(640, 0)
    newcomer = walk(100, 0, 280, seen=((6, 20),))
    report = TrackReport()
    follow(film([left, stays, newcomer], seconds(9)), max_persons=3, report=report)
    assert report.reentry_count == 0
    report = TrackReport()
    track = follow(film([left, stays, newcomer], seconds(9)), max_persons=2, report=report)
    assert report.reentry_count == 1
    assert track.observed[:, -1].all()


def test_a_flicker_is_not_a_person():
    flicker = walk(1000, 0, 400, seen=((1.0, 1.1), (3.0, 3.1)))
    track = follow(film([walk(300, 0), flicker], seconds(5)), max_persons=2)
    assert np.isnan(track.keypoints_px[1]).all()
    unsure = walk(1000, 0, 400, confidence=0.1)
    track = follow(film([walk(300, 0), unsure], seconds(5)), max_persons=2)
    assert np.isnan(track.keypoints_px[1]).all()


def with_other_legs(detection: Detection) -> Detection:
    points = detection.keypoints_px.copy()
    points[25:33] += 120
    return Detection(points, detection.confidence - np.float32(0.05))


def with_sides_swapped(detection: Detection) -> Detection:
    return Detection(detection.keypoints_px[KEYPOINT_MIRROR], detection.confidence)


@pytest.mark.parametrize("second_guess", [lambda d: d, with_other_legs, with_sides_swapped])
def test_the_same_person_twice_is_one_person(second_guess: Callable[[Detection], Detection]):
    scene = film([walk(300, 50)], seconds(2))
    again = walk(304, 50, 303, 701, confidence=0.8)
    scene = [
        Observation(o.frame_index, o.time_s, [*o.detections, second_guess(again(o.time_s))])
        for o in scene
    ]
    report = TrackReport()
    track = follow(scene, max_persons=2, report=report)
    assert report.most_people == 1
    assert np.isnan(track.keypoints_px[1]).all()
    assert (track.confidence[0] > 0.85).all()


@pytest.mark.parametrize("frames", [1, 2, 3, 5])
def test_a_video_of_a_few_frames_is_taken_as_it_is(frames: int):
    track = follow(film([walk(300, 50)], seconds(1)[:frames]))
    assert track.observed.sum() == frames


def test_a_few_frames_a_minute_still_make_a_track():
    track = follow(film([walk(300, 3)], np.arange(10) * 7.0))
    assert track.observed.all()


def test_true_times_carry_the_prediction_through_a_variable_frame_rate():
    random = np.random.default_rng(5)
    times = np.cumsum(random.choice([1 / 60, 1 / 30, 0.12], 150))
    scene = film([walk(0, 90, 300), walk(1100, -90, 305)], times)
    track = follow(scene, max_persons=2)
    np.testing.assert_array_equal(track.frame_time_s, times)
    for slot in (0, 1):
        assert np.ptp(np.diff(centre_x(track, slot)) / np.diff(times)) < 2


def test_detections_that_show_no_body_are_dropped():
    point = Detection(np.full((33, 2), 50, np.float32), np.ones(33, np.float32))
    nowhere = Detection(np.full((33, 2), np.nan, np.float32), np.ones(33, np.float32))
    nothing = Detection(figure(600, 700, 300).keypoints_px, np.zeros(33, np.float32))
    scene = [Observation(i, i / FPS, [point, nowhere, nothing]) for i in range(60)]
    track = follow(scene, max_persons=2)
    assert np.isnan(track.keypoints_px).all()
    assert np.isnan(track.confidence).all()


def test_a_layout_without_some_keypoints_keeps_them_missing():
    def without_fingers(detection: Detection) -> Detection:
        points, confidence = detection.keypoints_px.copy(), detection.confidence.copy()
        points[17:23], confidence[17:23] = np.nan, 0
        return Detection(points, confidence)

    scene = film([walk(300, 50, seen=((0, 1), (1.2, 9)))], seconds(2))
    scene = [
        Observation(o.frame_index, o.time_s, [without_fingers(d) for d in o.detections])
        for o in scene
    ]
    track = follow(scene)
    assert np.isnan(track.keypoints_px[0, :, 17:23]).all()
    assert (track.confidence[0, :, 17:23] == 0).all()
    assert np.isfinite(track.keypoints_px[0, :, :17]).all()


def test_a_video_without_people_is_absent_from_end_to_end():
    report = TrackReport()
    track = follow(film([], seconds(3)), max_persons=2, report=report)
    assert np.isnan(track.keypoints_px).all()
    assert track.keypoints_px.shape == (2, 90, 33, 2)
    assert not track.observed.any()
    assert (report.frames, report.persons, report.most_people) == (90, 0, 0)
    nothing = follow_persons([], max_persons=1, max_gap_s=1.0, chunk_frames=8)
    assert list(nothing) == []


@given(chunk_frames=st.integers(1, 65))
@settings(max_examples=4, deadline=None)
def test_the_chunk_size_changes_nothing(chunk_frames: int):
    hidden = ((0.4, 2.0), (2.3, 3.0))
    scene = film([walk(200, 160), walk(1000, -160, 290, seen=hidden)], seconds(4, 15))
    whole = follow(scene, max_persons=2, chunk_frames=1000)
    pieces = follow(scene, max_persons=2, chunk_frames=chunk_frames)
    for name in ("frame_index", "frame_time_s", "keypoints_px", "confidence", "observed"):
        np.testing.assert_array_equal(getattr(pieces, name), getattr(whole, name))


def test_chunks_are_full_but_the_last():
    chunks = follow_persons(
        film([walk(300, 5)], seconds(3)), max_persons=1, max_gap_s=0.5, chunk_frames=40
    )
    assert [len(chunk) for chunk in chunks] == [40, 40, 10]


def test_hints_come_along():
    def hinted(detection: Detection) -> Detection:
        hint = np.full((33, 3), detection.keypoints_px[0, 0], np.float32)
        return Detection(detection.keypoints_px, detection.confidence, hint)

    scene = film([walk(300, 60, seen=((0, 1), (1.2, 2)))], seconds(3))
    scene = [Observation(o.frame_index, o.time_s, [hinted(d) for d in o.detections]) for o in scene]
    track = follow(scene)
    assert track.hint_m is not None
    np.testing.assert_allclose(track.hint_m[0, :60, 0, 0], track.keypoints_px[0, :60, 0, 0], 1e-3)
    assert np.isnan(track.hint_m[0, 60:]).all()


def test_the_report_counts_frames():
    report = TrackReport()
    seen = ((0, 1), (1.3, 2))
    follow(film([walk(300, 60, seen=seen, confidence=0.4)], seconds(3)), report=report)
    assert report.frames == 90
    assert report.observed_frames == [51]
    assert report.interpolated_frames == [9]
    assert report.low_confidence_share == 1.0
    quality = report.as_quality()
    assert (quality["persons"], quality["people_not_followed"]) == (1, 0)


def test_memory_does_not_grow_with_the_video():
    def endless(frames: int) -> Iterator[Observation]:
        for index in range(frames):
            found = [figure(640, 700, 300)] if index % 48 > 15 else []
            yield Observation(index, index / 5, found)

    chunks = follow_persons(endless(480), max_persons=1, max_gap_s=0.5, chunk_frames=48)
    others = _sightings()  # other tests' ones may still be about
    held = [_sightings() - others for _ in chunks]
    assert len(held) == 10
    assert max(held) < 2.7 * 5 + 5  # the look-ahead, and the last sighting of a slot


def _sightings() -> int:
    gc.collect()
    return sum(type(o) is Sighting for o in gc.get_objects())


def test_a_known_person_is_never_questioned_however_far_they_jump():
    scene = film([walk(100, 80)], seconds(2))
    far = [
        Observation(
            o.frame_index, o.time_s, [Detection(d.keypoints_px + 3000.0 * (i % 2), d.confidence)]
        )
        for i, o in enumerate(scene)
        for d in o.detections
    ]
    far[10] = Observation(10, far[10].time_s, [])
    report = TrackReport()
    chunks = list(follow_known_person(far, max_gap_s=0.5, chunk_frames=7, report=report))
    observed = np.concatenate([c.observed[0] for c in chunks])
    keypoints_px = np.concatenate([c.keypoints_px[0] for c in chunks])
    assert np.flatnonzero(~observed).tolist() == [10]
    assert np.isfinite(keypoints_px).all()
    assert (report.frames, report.reentry_count, report.most_people) == (60, 0, 1)
