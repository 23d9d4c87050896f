"""A video searched for people by several threads; what they see comes out in order, and once."""

from collections.abc import Callable, Generator
from threading import Condition, RLock, Thread
from typing import TypeVar

from core.keypoints.attention import StartsAnywhere
from core.segments.plan import SegmentPlan
from core.segments.relay import Reads, Relay
from core.segments.shared_pictures import SharedPictures, Source
from core.tracking.association import Observation

Picture = TypeVar("Picture")

TICK_S = 0.1
"""How often the caller hears of a job that has nothing to show yet."""
_SPARE_PICTURES = 16


def observe_in_segments(
    source: Source[Picture],
    first: StartsAnywhere,
    open_another: Callable[[], StartsAnywhere],
    make_reader: Callable[[], Reads[Picture]],
    plan: SegmentPlan,
    *,
    threads: int,
    tick: Callable[[], None] = lambda: None,
    first_segment: int = 0,
    on_relief: Callable[[], None] = lambda: None,
    on_rest: Callable[[], None] = lambda: None,
) -> Generator[Observation]:
    """What is seen in each picture, in order; the same whatever the number of threads.

    At most ``threads`` segments of pictures are in memory.

    Args:
        source: pictures, in order.
        first: an estimator for the start of the video; closed here, as are all others.
        open_another: makes one that is just as fresh; called by several threads.
        make_reader: called once in each thread.
        plan: where the video is cut.
        threads: how many segments are searched side by side.
        tick: called now and then by the thread that draws; what it raises ends everything.
        first_segment: where to begin, as a run that relieves another begins there. The source's
            first picture is then that of the segment's warm-up, and observations begin with the
            segment. They are those of an undivided call, if there a fresh run took over here, too.
        on_relief: called by the thread that draws, between two observations, where a fresh run
            takes over.
        on_rest: called by the thread that draws, perhaps more than once, when no picture is left
            to be looked at; what was seen in the last ones is still to come.
    """
    lock = RLock()
    changed, news = Condition(lock), Condition(lock)
    capacity = threads * plan.longest + plan.warm_up + _SPARE_PICTURES
    pictures = SharedPictures(source, capacity, changed, plan.warm_up_start(first_segment))
    relay = Relay(first, open_another, pictures, plan, threads, changed, news, first_segment)
    workers = [
        Thread(target=relay.work, args=(make_reader,), name=f"segments-{number}", daemon=True)
        for number in range(threads)
    ]
    try:
        for worker in workers:
            worker.start()
        yield from relay.collect(tick, TICK_S, on_relief, on_rest)
    finally:
        relay.stop()
        for worker in workers:
            if worker.ident is not None:
                worker.join()
        relay.close()
