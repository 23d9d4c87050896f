"""The end of tasks that run until they are told to stop."""

import asyncio
import logging
from typing import Any

log = logging.getLogger(__name__)

AGAIN_S = 0.5
"""A task may need this long to put its things down before it is told once more."""


async def end_tasks(*tasks: asyncio.Task[Any], again_s: float = AGAIN_S) -> None:
    """Cancel tasks until they have ended; what they end with is logged, not raised.

    Once is not enough. On Python 3.11 `asyncio.wait_for` keeps a cancellation to itself if what it
    waits for ends in the same moment (https://github.com/python/cpython/issues/86296), and
    something that cannot be closed properly has an error take the cancellation's place. The task
    then goes on, and who waits for it waits for ever.
    """
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=again_s)
    for task in tasks:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("%s ended with an error: %r", task.get_name(), error)
