"""The estimator on real pictures: the main person stays the main person."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from core.contracts import PoseModel
from core.keypoints.litert.estimators import LiteEstimators
from core.keypoints.litert.networks import LiteNetworks
from core.keypoints.protocol import Detection
from core.tracking.sightings import measure
from core.video.stream import Frame, probe, stream_frames

pytestmark = pytest.mark.assets
SHARED_VIDEOS = Path(__file__).parents[4] / "shared" / "videos"


@pytest.fixture(scope="module")
def estimators(full_bundle):
    with LiteEstimators(lambda _: full_bundle) as estimators:
        yield estimators


def estimate(estimators: LiteEstimators, frames: Sequence[Frame], max_persons: int = 1):
    with estimators.open(PoseModel.FULL, max_persons) as estimator:
        return [list(estimator.estimate(frame)) for frame in frames]


def centre(detection: Detection) -> np.ndarray:
    return measure(detection).centre_px


@pytest.fixture(scope="module")
def people(estimators, demo_frames):
    return estimate(estimators, demo_frames)


def test_the_main_person_is_followed_while_somebody_walks_by(people):
    """Both are equally large; the man was there first, and moves up and down while she walks."""
    for index in range(25, 160):
        x, y = centre(people[index][0])
        assert 290 < x < 420, index
        assert y < 190, index


def test_after_the_start_only_the_main_person_is_looked_at(people):
    assert max(map(len, people)) <= 3
    assert [len(p) for p in people[100:160]] == [1] * 60


class CountedScout:
    """The real scout, and when it looked."""

    def __init__(self, scout):
        self._scout, self.looked_s = scout, []

    def read(self, rgb, time_s):
        self.looked_s.append(round(time_s, 3))
        return self._scout.read(rgb, time_s)


@pytest.mark.parametrize(("people", "every_s"), [(1, 0.2), (2, 0.1)])
def test_somebody_alone_is_looked_round_for_half_as_often(estimators, demo_frames, people, every_s):
    with estimators.open(PoseModel.FULL) as estimator:
        estimator._scout = scout = CountedScout(estimator._scout)
        for man in demo_frames[33:52]:  # 0.6 s, in which nobody settles
            rgb = np.hstack([man.rgb[:260, 200:460]] * people)
            estimator.estimate(Frame(man.index, man.time_s, rgb))
    gaps_s = np.diff(scout.looked_s)
    assert np.median(gaps_s) == pytest.approx(every_s, abs=0.02)


def test_whom_the_scout_has_just_seen_is_not_looked_for_again(estimators, demo_frames, monkeypatch):
    looked, detect = [], LiteNetworks.detect

    def counted(networks, rgb):
        looked.append(rgb.shape)
        return detect(networks, rgb)

    monkeypatch.setattr(LiteNetworks, "detect", counted)
    man = [replace(frame, rgb=frame.rgb[:260, 200:460].copy()) for frame in demo_frames[33:36]]
    assert all(estimate(estimators, man))
    assert len(looked) == 1


def test_two_people_are_both_followed_and_nobody_is_seen_twice(estimators, demo_frames):
    pairs = [
        Frame(man.index, man.time_s, np.hstack([man.rgb[:260, 200:460], man.rgb[:260, 200:460]]))
        for man in demo_frames[33:60]
    ]
    for detections in estimate(estimators, pairs, max_persons=2)[10:]:
        sides = sorted(centre(detection)[0] // 260 for detection in detections)
        assert sides == [0, 1]


def test_an_empty_picture_holds_nobody(estimators):
    grey = np.full((90, 160, 3), 128, np.uint8)
    frames = [Frame(index, index / 30, grey) for index in range(10)]
    assert estimate(estimators, frames) == [[]] * 10


def test_somebody_comes_goes_and_returns(estimators, demo_frames):
    empty = np.zeros_like(demo_frames[0].rgb)
    man = [np.zeros_like(empty) for _ in range(12)]
    for picture, frame in zip(man, demo_frames[33:45], strict=True):
        picture[:260, 200:460] = frame.rgb[:260, 200:460]
    pictures = [empty] * 5 + man + [empty] * 30 + man
    frames = [Frame(index, index / 12, rgb) for index, rgb in enumerate(pictures)]
    counts = [len(people) for people in estimate(estimators, frames)]
    assert counts == [0] * 5 + [1] * 12 + [0] * 30 + [1] * 12


@pytest.fixture(scope="module")
def passed_in_front():
    """A dancer in the middle; after two seconds somebody else is pushed past, in front of them."""
    if not SHARED_VIDEOS.is_dir():
        pytest.skip("needs the shared videos")
    dancer, squatter = (
        [f.rgb for f in islice(stream_frames(path, probe(path)), 90)]
        for path in (SHARED_VIDEOS / n for n in ("square_30fps.mp4", "squats_vertical_5fps.mp4"))
    )
    frames = []
    for index in range(165):
        picture = np.full((576, 1024, 3), 200, np.uint8)
        picture[:, 224:800] = dancer[index // 2]
        passer = squatter[index // 6][::2, ::2][32:608, 60:300]
        left = 14 * (index - 65) - 240
        start, stop = max(0, left), min(1024, left + 240)
        if stop > start:
            picture[:, start:stop] = passer[:, start - left : stop - left]
        frames.append(Frame(index, index / 30, picture))
    return frames


def test_who_was_hidden_by_a_passer_by_is_found_again(estimators, passed_in_front):
    people = estimate(estimators, passed_in_front)
    for index in (*range(10, 90), *range(140, 165)):
        x, _ = centre(people[index][0])
        assert abs(x - 512) < 60, index
