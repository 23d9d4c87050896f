"""A video searched by several threads: the same result, whoever is faster."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import numpy as np
import pytest

from core.errors import Canceled
from core.keypoints.attention import Attention
from core.segments.observe import observe_in_segments
from core.segments.plan import SegmentPlan
from core.tracking.association import Observation
from core.tracking.sightings import measure
from core.video.frames import Frame
from tests.core.tracking.walkers import figure

PLAN = SegmentPlan(length=10, warm_up=3)
BLACK = np.zeros((4, 4, 3), np.uint8)
LEFT_PX, RIGHT_PX = 200.0, 600.0


class Numbers:
    """Numbered pictures; remembers how many were drawn."""

    def __init__(self, count: int, error_at: int | None = None, first: int = 0) -> None:
        self._left = iter(range(first, count))
        self._error_at = error_at
        self.drawn = 0

    def ready(self, timeout_s: float) -> bool:
        return True

    def __next__(self) -> int:
        if self.drawn == self._error_at:
            raise ZeroDivisionError
        number = next(self._left)
        self.drawn += 1
        return number


class Tracker:
    """Follows whom it chooses in its first frame; at first it is a little off, as trackers are.

    Args:
        office: keeps count of all trackers.
        choose: where the person stands whom a tracker that starts at this frame would follow; None
            for nobody.
    """

    def __init__(self, office: "Office", choose: Callable[[int], float | None]) -> None:
        self._office = office
        self._choose = choose
        self.seen: list[int] = []
        self._x_px: float | None = None
        self._now: Attention | None = None
        self.closed = False
        self.is_settled = False

    def estimate(self, frame: Frame) -> list:
        assert not self.closed
        assert not self.seen or frame.index == self.seen[-1] + 1
        self._office.delay()
        if frame.index == self._office.broken_at:
            raise BrokenPipeError
        if not self.seen:
            self._x_px = self._choose(frame.index)
        self.seen.append(frame.index)
        if self._x_px is None:
            self._now = Attention([], is_settled=True)
            return []
        astray = 20 if self.seen[0] == 0 and frame.index in self._office.astray else 0
        person = figure(self._x_px + frame.index + 1 / len(self.seen) + astray, 300, 120)
        self._now = Attention([measure(person)], is_settled=frame.index not in self._office.unsure)
        return [person]

    def attention(self) -> Attention:
        return self._now

    def settle(self) -> None:
        self.is_settled = True

    def __enter__(self) -> "Tracker":
        return self

    def __exit__(self, *_: object) -> None:
        self.closed = True


class Office:
    """Makes trackers, each fresh, and slows them down as it likes."""

    def __init__(self, choose=lambda _: LEFT_PX, seed: int | None = None) -> None:
        self._choose = choose
        self._random = None if seed is None else random.Random(seed)
        self.trackers: list[Tracker] = []
        self.broken_at: int | None = None
        self.unsure: set[int] = set()
        self.astray: set[int] = set()

    def open(self) -> Tracker:
        tracker = Tracker(self, self._choose)
        self.trackers.append(tracker)
        return tracker

    def delay(self) -> None:
        if self._random is not None:
            time.sleep(self._random.choice((0, 0, 1e-4, 2e-3)))

    def observe(
        self, source: Numbers, threads: int, plan: SegmentPlan = PLAN, **more
    ) -> Iterator[Observation]:
        return observe_in_segments(
            source, self.open(), self.open, lambda: look, plan, threads=threads, **more
        )


def look(tracker: Tracker, number: int) -> Observation:
    return Observation(number, number / 30, tracker.estimate(Frame(number, number / 30, BLACK)))


def numbers(observations: list[Observation]) -> list[tuple[int, float | None]]:
    return [
        (
            seen.frame_index,
            float(seen.detections[0].keypoints_px[0, 0]) if seen.detections else None,
        )
        for seen in observations
    ]


def undivided(office: Office, count: int) -> list[tuple[int, float | None]]:
    tracker = office.open()
    return numbers([look(tracker, number) for number in range(count)])


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = threading.active_count()
    yield
    assert threading.active_count() == before


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 13, 20, 27, 50, 51])
@pytest.mark.parametrize("threads", [1, 2, 4])
def test_every_picture_is_seen_once_and_in_order(count, threads):
    office = Office()
    seen = list(office.observe(Numbers(count), threads))
    assert [one.frame_index for one in seen] == list(range(count))
    assert all(tracker.closed for tracker in office.trackers)


def some_people(start: int) -> float | None:
    """Whom a tracker finds depends on where it starts: sometimes another one, sometimes nobody."""
    return (LEFT_PX, LEFT_PX, RIGHT_PX, None, LEFT_PX)[start * 7 % 5]


@pytest.mark.parametrize("seed", range(6))
def test_the_result_does_not_depend_on_threads_or_their_luck(seed):
    expected = numbers(list(Office(some_people).observe(Numbers(83), 1)))
    for threads in (2, 3, 5):
        office = Office(some_people, seed)
        assert numbers(list(office.observe(Numbers(83), threads))) == expected
        assert all(tracker.closed for tracker in office.trackers)


def reliefs(office: Office, count: int, threads: int) -> list[int]:
    """The frames at which a fresh run took over."""
    seen: list[Observation] = []
    places: list[int] = []
    for one in office.observe(Numbers(count), threads, on_relief=lambda: places.append(len(seen))):
        seen.append(one)
    return places


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("threads", [1, 4])
def test_a_search_that_begins_where_a_fresh_run_took_over_sees_the_same(seed, threads):
    expected = numbers(list(Office(some_people).observe(Numbers(83), 1)))
    places = reliefs(Office(some_people, seed), 83, threads)
    assert places == reliefs(Office(some_people), 83, 1)
    assert len(places) > 2
    for place in places:
        segment = PLAN.segment_at(place)
        source = Numbers(83, first=PLAN.warm_up_start(segment))
        office = Office(some_people, seed)
        rest = numbers(list(office.observe(source, threads, first_segment=segment)))
        assert rest == expected[place:]
        assert all(tracker.closed for tracker in office.trackers)


def test_where_nobody_was_relieved_no_place_is_told():
    office = Office(lambda start: LEFT_PX if start == 0 else RIGHT_PX)
    assert reliefs(office, 45, 2) == []


@pytest.mark.parametrize("threads", [1, 3])
def test_a_video_that_ends_before_the_place_to_begin_at_is_over(threads):
    for count in (27, 29, 30):  # before the warm-up, within it, and just behind it
        office = Office()
        assert list(office.observe(Numbers(count, first=27), threads, first_segment=3)) == []
        assert all(tracker.closed for tracker in office.trackers)


@pytest.mark.parametrize("threads", [1, 3])
def test_who_follows_the_same_person_goes_on_after_a_warm_up(threads):
    office = Office()
    seen = numbers(list(office.observe(Numbers(40), threads)))
    for number, x_px in seen:
        age = number + 1 if number < 10 else number % 10 + 1 + PLAN.warm_up
        face_px = figure(LEFT_PX + number + 1 / age, 300, 120).keypoints_px[0, 0]
        assert x_px == face_px
    assert [len(tracker.seen) for tracker in office.trackers] == [10, 13, 13, 13]
    assert [tracker.is_settled for tracker in office.trackers] == [False, True, True, True]


@pytest.mark.parametrize(
    "others", [lambda _: RIGHT_PX, lambda _: None], ids=["another person", "nobody"]
)
@pytest.mark.parametrize("threads", [1, 3])
def test_who_follows_somebody_else_is_not_listened_to(threads, others):
    office = Office(lambda start: LEFT_PX if start == 0 else others(start), seed=1)
    expected = undivided(Office(), 45)
    assert numbers(list(office.observe(Numbers(45), threads))) == expected
    assert len(office.trackers[0].seen) == 45


def test_as_long_as_somebody_could_take_over_nobody_else_goes_on():
    office = Office()
    office.unsure = {9}  # the last frame of the first segment
    list(office.observe(Numbers(30), 2))
    assert office.trackers[0].seen == list(range(20))


@pytest.mark.parametrize(("astray", "relieved"), [({9}, True), ({8}, True), ({8, 9}, False)])
def test_one_frame_in_which_the_head_is_thrown_off_costs_no_segment(astray, relieved):
    office = Office()
    office.astray = astray
    assert (10 in reliefs(office, 30, 2)) == relieved


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_no_more_pictures_are_drawn_than_fit_into_memory(threads):
    source, office = Numbers(300), Office()
    with closing(office.observe(source, threads)) as seen:
        for observation in seen:
            # The head is ahead of us, but never by more than what waits to be drawn.
            head = max(number for one in office.trackers for number in one.seen)
            assert source.drawn <= head + (threads + 1) * PLAN.length + 32
            if observation.frame_index == 200:
                break


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_who_is_drawn_from_too_slowly_waits(threads):
    """Or what was seen would pile up for as long as the video goes on."""
    source, office = Numbers(4000), Office()
    with closing(office.observe(source, threads)) as seen:
        for drawn, _ in zip((1, 2), seen, strict=False):
            before = -1
            while before != (before := source.drawn):
                time.sleep(0.2)
            # One segment is in our hands, one for each thread waits, and each was at another.
            assert source.drawn <= drawn + (2 * threads + 2) * PLAN.longest + 32
        assert len(list(seen)) == 4000 - 2


def test_one_thread_is_never_more_than_a_segment_ahead_of_what_it_drew():
    source, office = Numbers(300), Office()
    most = 0
    original = office.delay

    def delay() -> None:
        nonlocal most
        newest = max((one.seen[-1] for one in office.trackers if one.seen), default=0)
        most = max(most, source.drawn - newest)
        original()

    office.delay = delay
    list(office.observe(source, 1))
    assert most <= PLAN.length


@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize("at", [0, 5, 12, 27])
def test_what_breaks_in_a_thread_is_raised_once_and_everything_is_closed(threads, at):
    office = Office(seed=3)
    office.broken_at = at
    with pytest.raises(BrokenPipeError):
        list(office.observe(Numbers(40), threads))
    assert all(tracker.closed for tracker in office.trackers)


@pytest.mark.parametrize("threads", [1, 3])
def test_what_breaks_in_the_decoder_is_raised_too(threads):
    office = Office()
    with pytest.raises(ZeroDivisionError):
        list(office.observe(Numbers(40, error_at=23), threads))
    assert all(tracker.closed for tracker in office.trackers)


def test_an_estimator_that_cannot_be_opened_ends_it():
    def refuse():
        raise MemoryError

    office = Office()
    first = office.open()
    seen = observe_in_segments(Numbers(40), first, refuse, lambda: look, PLAN, threads=2)
    with pytest.raises(MemoryError):
        list(seen)
    assert first.closed


@pytest.mark.parametrize("threads", [1, 3])
def test_whoever_leaves_early_leaves_nothing_behind(threads):
    office = Office(seed=4)
    with closing(office.observe(Numbers(200), threads)) as seen:
        assert next(seen).frame_index == 0
    assert all(tracker.closed for tracker in office.trackers)


def test_a_decoder_that_takes_its_time_can_be_waited_for_and_left():
    waits_s: list[float] = []

    class Slow(Numbers):
        def ready(self, timeout_s: float) -> bool:
            waits_s.append(timeout_s)
            time.sleep(timeout_s)
            return False

    ticks = []

    def tick() -> None:
        ticks.append(time.monotonic())
        if len(ticks) == 5:
            raise Canceled("enough")

    office = Office()
    with pytest.raises(Canceled):
        list(office.observe(Slow(10), 2, tick=tick))
    assert 0 < max(waits_s) < 0.4  # a cancel is heard in between
    assert all(tracker.closed for tracker in office.trackers)


def test_it_is_told_that_nothing_is_searched_any_more_before_the_rest_comes() -> None:
    office, told = Office(), []
    is_drawn, second_is_seen = threading.Event(), threading.Event()

    def look_in_turn(tracker: Tracker, number: int) -> Observation:
        if number == 9 and 0 in tracker.seen:  # the first segment waits for all of the second
            assert is_drawn.wait(20)
            assert second_is_seen.wait(20)
        seen = look(tracker, number)
        if number == 19:
            second_is_seen.set()
        return seen

    seen = observe_in_segments(
        Numbers(20),
        office.open(),
        office.open,
        lambda: look_in_turn,
        PLAN,
        threads=2,
        on_rest=lambda: told.append(True),
    )
    told_at = []
    for observation in seen:
        told_at.append(bool(told))
        assert observation.frame_index == len(told_at) - 1
        is_drawn.set()
    assert len(told_at) == 20
    assert not told_at[0]
    assert all(told_at[9:])


def test_what_was_seen_does_not_wait_for_more():
    """The search waits for whoever draws here, after fewer pictures than others are woken for."""
    drawn = threading.Semaphore(0)
    office = Office()

    def look_slowly(tracker: Tracker, number: int) -> Observation:
        if number >= 3:
            assert drawn.acquire(timeout=60)
        return look(tracker, number)

    seen = observe_in_segments(
        Numbers(8), office.open(), office.open, lambda: look_slowly, PLAN, threads=1
    )
    with closing(seen):
        places = []
        for observation in seen:
            places.append(observation.frame_index)
            drawn.release()
    assert places == list(range(8))
