"""Keeps a worker working while Redis comes and goes."""

import logging
import threading
from collections.abc import Callable

from redis.exceptions import RedisError

from core.errors import LiftError
from worker.logs import mask
from worker.worker import LiftWorker

log = logging.getLogger(__name__)

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 10.0


def keep_working(
    hire: Callable[[], LiftWorker],
    stopping: threading.Event,
    *,
    first_pause_s: float = FIRST_PAUSE_S,
) -> None:
    """Hire a worker, let it work, and hire another when it quits, until asked to stop.

    RQ's workers quit when Redis does not answer in time, and cannot even be made while it is away.

    Args:
        hire: makes a worker, ready for its ``work()``.
        stopping: set by whoever handles signals.
        first_pause_s: doubled after every failure, up to ten seconds.
    """
    pause_s = first_pause_s
    while not stopping.is_set():
        try:
            worker = hire()
            log.info("ready on queue %s", ", ".join(worker.queue_names()))
            pause_s = first_pause_s
            worker.work(logging_level=None)
            if worker.stopping:
                return
        except (RedisError, LiftError) as error:
            log.warning("Redis does not answer, waiting: %s", mask(str(error)))
        stopping.wait(pause_s)
        pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
