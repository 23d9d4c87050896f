"""One warm set of models, many videos."""

import shutil
import threading

import numpy as np
import pytest

from core.contracts import PoseModel
from core.errors import AssetCorrupt, AssetUnavailable
from core.keypoints.estimators import PoseEstimators
from core.keypoints.litert.estimators import LiteEstimators
from core.tracking.sightings import measure

pytestmark = pytest.mark.assets


@pytest.fixture(params=[PoseEstimators, LiteEstimators])
def make(request):
    """Both that follow people from frame to frame."""
    return request.param


@pytest.fixture
def estimators(make, full_bundle):
    with make(lambda _: full_bundle) as estimators:
        yield estimators


def everything(estimators, frames, max_persons=1):
    """All numbers of all detections, in order."""
    with estimators.open(PoseModel.FULL, max_persons) as estimator:
        return [
            number
            for frame in frames
            for person in estimator.estimate(frame)
            for number in (person.keypoints_px, person.confidence, person.hint_m)
        ]


def assert_equal(one, other):
    assert len(one) == len(other) > 0
    for mine, theirs in zip(one, other, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_a_video_gives_the_same_whatever_came_before(estimators, make, full_bundle, demo_frames):
    clip, another = demo_frames[8:26], demo_frames[60:68]
    first = everything(estimators, clip)
    everything(estimators, another)
    assert_equal(everything(estimators, clip), first)
    with make(lambda _: full_bundle) as cold:
        assert_equal(everything(cold, clip), first)


def test_videos_side_by_side_do_not_mix(estimators, demo_frames):
    clips = [demo_frames[8:20], demo_frames[72:84]]
    alone = [everything(estimators, clip, 2) for clip in clips]
    together = [None, None]

    def run(place):
        together[place] = everything(estimators, clips[place], 2)

    threads = [threading.Thread(target=run, args=(place,)) for place in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for mine, theirs in zip(together, alone, strict=True):
        assert_equal(mine, theirs)


def test_a_warm_start_loads_nothing(make, full_bundle, tmp_path):
    bundle = tmp_path / full_bundle.name
    shutil.copy(full_bundle, bundle)
    asked = []
    with make(lambda model: asked.append(model) or bundle) as estimators:
        estimators.warm_up(PoseModel.FULL)
        bundle.unlink()  # whoever opens it from here on fails
        for _ in range(2):
            estimators.open(PoseModel.FULL).close()
    assert asked == [PoseModel.FULL]
    with make(lambda _: bundle) as cold, pytest.raises((AssetCorrupt, OSError)):
        cold.open(PoseModel.FULL)


def test_an_abandoned_video_leaves_nothing_to_the_next(estimators, demo_frames):
    clip = demo_frames[8:20]
    fresh = everything(estimators, clip)

    def abandoned():
        with estimators.open(PoseModel.FULL) as estimator:
            for frame in demo_frames[90:95]:
                estimator.estimate(frame)
            raise RuntimeError("the job was canceled")

    with pytest.raises(RuntimeError):
        abandoned()
    assert_equal(everything(estimators, clip), fresh)


def test_closing_gives_threads_back(full_bundle, demo_frames):
    before = set(threading.enumerate())
    with PoseEstimators(lambda _: full_bundle) as estimators:
        everything(estimators, demo_frames[8:12], 2)
        estimators.estimate_image(demo_frames[8].rgb, PoseModel.FULL)
        new = set(threading.enumerate()) - before
        loading = [thread for thread in new if thread.name.startswith("pose-models")]
        assert loading
    assert not any(thread.is_alive() for thread in loading)


def test_a_model_that_cannot_be_fetched_says_so_every_time(make):
    def offline(model):
        raise AssetUnavailable("offline")

    with make(offline) as estimators:
        for _ in range(2):
            with pytest.raises(AssetUnavailable, match="offline"):
                estimators.open(PoseModel.LITE)
        with pytest.raises(AssetUnavailable):
            estimators.estimate_image(np.zeros((64, 64, 3), np.uint8), PoseModel.LITE)


def test_a_single_picture(estimators, demo_frames):
    """The detector overlooks the man in the whole picture; a closer look finds him."""
    for index in (30, 40, 60):
        (person,) = estimators.estimate_image(demo_frames[index].rgb, PoseModel.FULL)
        x, y = measure(person).centre_px
        assert abs(x - 320) < 30, index
        assert abs(y - 130) < 40, index
        assert person.hint_m is not None


def test_no_more_people_than_asked_for_the_most_prominent_first(estimators, demo_frames):
    both = np.hstack([demo_frames[40].rgb[:260, 200:460]] * 2)
    two = estimators.estimate_image(both, PoseModel.FULL, 4)
    assert len(two) == 2
    one = estimators.estimate_image(both, PoseModel.FULL, 1)
    assert len(one) == 1


@pytest.mark.parametrize("shape", [(64, 64, 3), (1, 1, 3), (500, 20, 3)])
def test_a_picture_of_nothing_holds_nobody(estimators, shape):
    assert list(estimators.estimate_image(np.full(shape, 99, np.uint8), PoseModel.FULL, 4)) == []
