"""Runs through a video that relieve each other, so that it can be searched in many places at once.

The *head* is the run whose findings count. Ahead of it other runs begin a little before a segment
each, on their own, and search it. When the head reaches the end of a segment, and the run that
began there follows the same people, that run becomes the head. If it does not, its work is thrown
away, and the head goes on itself, as if the video had never been cut. So whose findings count where
depends on the pictures alone; the number of threads and their luck only decide how soon.
"""

from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from threading import Condition
from typing import Generic, TypeVar

from core.keypoints.attention import Attention, StartsAnywhere, continues
from core.segments.plan import COMPARED_FRAMES, SegmentPlan
from core.segments.run import Findings, Run
from core.segments.shared_pictures import GivenUp, SharedPictures
from core.tracking.association import Observation

Picture = TypeVar("Picture")
Reads = Callable[[StartsAnywhere, Picture], Observation]
"""Has an estimator look at a picture."""

_WORTH_WAKING = 16
"""Observations that others are woken for. The thread that collects takes fewer when it looks up by
itself, ten times a second; woken for each, it would get into the way of those who search."""


class Relay(Generic[Picture]):
    """Decides who does what next, and whose findings count. Shared by all threads of a job.

    Args:
        first: begins at the start of the video, or of the segment to begin with.
        open_another: makes an estimator as fresh as the first one was; called by any thread.
        pictures: of the whole video.
        plan: where it is cut.
        lanes: so many runs at most are on their way.
        changed: guards everything here and in ``pictures``.
        news: of the same lock; told when there may be something to collect. Whoever collects would
            otherwise be woken for every picture.
        first_segment: to begin with.
    """

    def __init__(
        self,
        first: StartsAnywhere,
        open_another: Callable[[], StartsAnywhere],
        pictures: SharedPictures[Picture],
        plan: SegmentPlan,
        lanes: int,
        changed: Condition,
        news: Condition,
        first_segment: int = 0,
    ) -> None:
        self._open_another = open_another
        self._pictures = pictures
        self._plan = plan
        self._lanes = lanes
        self._changed = changed
        self._news = news
        self._first_segment = first_segment
        self._head = Run(first_segment, plan.warm_up_start(first_segment), first)
        self._ahead: dict[int, Run] = {}
        self._leaving: list[Run] = []
        self._findings = {first_segment: self._head.findings}
        self._is_over = False
        self._is_stopping = False
        self._is_held_up = False
        self._error: BaseException | None = None

    def work(self, make_reader: Callable[[], Reads[Picture]]) -> None:
        """Do whatever is to be done, until nothing is; to be called by several threads."""
        try:
            read = make_reader()
            while (task := self._next_task()) is not None:
                task(read)
        except GivenUp:
            pass
        except BaseException as error:
            with self._changed:
                self._error = self._error or error
                self._is_stopping = True
                self._tell_everybody()

    def collect(
        self,
        tick: Callable[[], None],
        tick_s: float,
        on_relief: Callable[[], None],
        on_rest: Callable[[], None],
    ) -> Iterator[Observation]:
        """What was seen in each frame, in order; ``tick`` is called every ``tick_s`` meanwhile.

        ``on_relief`` is called where another run begins to count, and ``on_rest`` at least once
        when all has been seen, before the rest of it comes.
        """
        segment, is_complete = self._first_segment, False
        while True:
            with self._changed:
                self._news.wait_for(partial(self._has_news, segment), tick_s)
                if self._error is not None:
                    error, self._error = self._error, None
                    raise error
                found = self._findings.get(segment, Findings())
                seen, is_complete = list(found.observations), found.is_complete
                found.observations.clear()
                if self._is_held_up and not self._is_far_ahead():
                    self._is_held_up = False
                    self._changed.notify_all()
                is_relief, found.is_relief = found.is_relief, False
                is_rest = self._is_over
                if is_complete:
                    del self._findings[segment]
                    segment += 1
                elif self._is_over and segment not in self._findings:
                    return
            tick()
            if is_relief:
                on_relief()
            if is_rest:
                on_rest()
            yield from seen

    def stop(self) -> None:
        """Have every thread come to its end; what was not done stays undone."""
        with self._changed:
            self._is_stopping = True
            self._tell_everybody()

    def close(self) -> None:
        """Close all estimators; no thread is at work any more."""
        for run in (self._head, *self._ahead.values(), *self._leaving):
            run.close()

    def _has_news(self, segment: int) -> bool:
        found = self._findings.get(segment)
        if self._error is not None or (self._is_over and found is None):
            return True
        return found is not None and (len(found.observations) >= _WORTH_WAKING or found.is_complete)

    def _next_task(self) -> Callable[[Reads[Picture]], None] | None:
        with self._changed:
            while not self._is_stopping:
                if self._leaving:
                    return partial(_close, self._leaving.pop())
                if self._is_over:
                    return None
                if self._is_far_ahead():
                    self._is_held_up = True
                    self._changed.wait()
                    continue
                if not self._head.is_busy and not self._head.findings.is_complete:
                    self._head.is_busy = True
                    return partial(self._go_on, self._head)
                segment = self._next_start()
                if segment is not None:
                    place = self._plan.warm_up_start(segment)
                    run = self._ahead[segment] = Run(segment, place, is_busy=True)
                    return partial(self._begin, run)
                self._changed.wait()
        return None

    def _is_far_ahead(self) -> bool:
        """Whether so much waits to be collected that nobody should begin with more.

        Collecting keeps up wherever finding people takes longer than lifting them. Where it does
        not, memory must not grow with the video either.
        """
        waiting = sum(len(found.observations) for found in self._findings.values())
        return waiting > self._lanes * self._plan.longest

    def _next_start(self) -> int | None:
        """The nearest segment that a run should begin at now, if any."""
        first = self._head.segment + 1
        # With a single lane the head makes way for the next run, if only for its warm-up.
        beyond = self._lanes - 1 or int(self._head.findings.is_complete)
        for segment in range(first, first + beyond):
            if segment not in self._ahead:
                return None if self._pictures.ends_before(self._plan.start(segment)) else segment
        return None

    def _go_on(self, head: Run, read: Reads[Picture]) -> None:
        if head.place < self._plan.start(head.segment):
            self._begin(head, read)  # where an earlier attempt at the same video was relieved
        else:
            self._search(head, read)

    def _begin(self, run: Run, read: Reads[Picture]) -> None:
        """A run of its own: the frames before its segment first, then the segment."""
        start = self._plan.start(run.segment)
        newest: deque[Attention] = deque(maxlen=COMPARED_FRAMES)
        try:
            self._picture(start, run)  # is there such a segment at all?
            run.estimator = run.estimator or self._open_another()
            while run.place < start:
                read(run.estimator, self._picture(run.place, run))
                run.place += 1
                newest.append(run.estimator.attention())
        except BaseException as reason:
            run.close()
            if not isinstance(reason, GivenUp):
                raise
            with self._changed:  # the video may be over
                if run is self._head:
                    run.has_ended, run.is_busy, run.findings.is_complete = True, False, True
                self._relieve()
                self._tell_everybody()
            return
        with self._changed:
            run.at_start = newest or [run.estimator.attention()]
            run.estimator.settle()
            self._relieve()
            self._tell_everybody()
        self._search(run, read)

    def _search(self, run: Run, read: Reads[Picture]) -> None:
        """The rest of the segment that a run is at."""
        end = self._plan.start(run.segment + 1)
        newest: deque[Attention] = deque(maxlen=COMPARED_FRAMES)
        try:
            while run.place < end:
                picture = self._pictures.get(run.place, partial(self._is_wanted, run))
                if picture is None:
                    run.has_ended = True
                    break
                self._add(run, read(self._estimator(run), picture))
                if run.place > end - COMPARED_FRAMES:
                    newest.append(self._estimator(run).attention())
        except BaseException as reason:
            run.close()
            if isinstance(reason, GivenUp):
                return
            raise
        with self._changed:
            run.at_end = newest
            run.is_busy = False
            run.findings.is_complete = True
            if run.is_dropped:
                self._leaving.append(run)
            self._relieve()
            self._tell_everybody()

    def _picture(self, place: int, run: Run) -> Picture:
        """The picture there, for a run that is nothing without it."""
        picture = self._pictures.get(place, partial(self._is_wanted, run))
        if picture is None:
            raise GivenUp
        return picture

    def _add(self, run: Run, seen: Observation) -> None:
        with self._changed:
            run.findings.observations.append(seen)
            run.place += 1
            if run is self._head:
                self._let_go()
                if run.place % _WORTH_WAKING == 0:
                    self._tell_everybody()

    def _relieve(self) -> None:
        """Where the head has come to the end of a segment, settle who goes on."""
        while not self._head.is_busy and self._head.findings.is_complete:
            head, segment = self._head, self._head.segment + 1
            if head.has_ended or self._pictures.ends_before(self._plan.start(segment)):
                self._is_over = True
                return
            run = self._ahead.get(segment)
            if run is None or run.at_start is None:
                return
            del self._ahead[segment]
            if _goes_on(head, run):
                self._leaving.append(head)
                self._head = run
                run.findings.is_relief = True
            else:
                run.is_dropped = True
                if not run.is_busy:
                    self._leaving.append(run)
                head.segment, head.findings = segment, Findings()
            self._findings[segment] = self._head.findings
            self._let_go()

    def _let_go(self) -> None:
        """Release pictures that neither the head nor the run after it will look at."""
        next_start = self._plan.warm_up_start(self._head.segment + 1)
        self._pictures.release(min(self._head.place, next_start))

    def _tell_everybody(self) -> None:
        self._changed.notify_all()
        self._news.notify_all()

    def _is_wanted(self, run: Run) -> bool:
        return not self._is_stopping and not run.is_dropped

    def _estimator(self, run: Run) -> StartsAnywhere:
        assert run.estimator is not None  # noqa: S101 - closed only by whoever ends the run
        return run.estimator


def _goes_on(head: Run, run: Run) -> bool:
    if head.at_end is None or run.at_start is None:
        return False
    return continues(head.at_end, run.at_start)


def _close(run: Run, _: object) -> None:
    run.close()
