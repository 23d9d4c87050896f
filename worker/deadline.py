"""When a job has had its time: in all, or without moving on."""

import time
from collections.abc import Callable

from core.errors import JobTimeout


class Deadline:
    """Two limits, so that a ten-hour video may take its time and a stuck ten-second one may not.

    Args:
        total_s: how long the job may take.
        stall_s: how long it may go without a sign of progress.
        clock: monotonic seconds.
    """

    def __init__(
        self, *, total_s: float, stall_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._total_s = total_s
        self._stall_s = stall_s
        self._clock = clock
        self._started_at = self._moved_at = clock()

    def moved(self) -> None:
        """The job got on."""
        self._moved_at = self._clock()

    @property
    def is_over(self) -> bool:
        return self._took_too_long or self._stalled

    def error(self) -> JobTimeout:
        """Which limit it was, and what can be done."""
        if self._took_too_long:
            return JobTimeout(
                f"The job ran for more than {_in_words(self._total_s)}. Cut the video, or raise "
                "`stride` or lower `max_fps`, so that there is less to do."
            )
        return JobTimeout(
            f"The job made no progress for {_in_words(self._stall_s)} and was given up. The video "
            "may be damaged; convert it to another format and try again."
        )

    @property
    def _took_too_long(self) -> bool:
        return self._clock() - self._started_at > self._total_s

    @property
    def _stalled(self) -> bool:
        return self._clock() - self._moved_at > self._stall_s


def _in_words(seconds: float) -> str:
    for unit_s, unit in ((3600, "hours"), (60, "minutes")):
        if seconds >= 2 * unit_s:
            return f"{seconds / unit_s:g} {unit}"
    return f"{seconds:g} seconds"
