"""When each picture is shown: stored times made trustworthy, and a rate limit that goes by time."""

import heapq


class FrameClock:
    """Turns stored times into strictly increasing ones, keeping every plausible one as it is.

    - A missing time becomes one nominal frame after its predecessor.
    - A time that is not later than its predecessor becomes half a nominal frame after it, so that
      the clock falls back into step at the next good time instead of staying late for ever.
    - A jump back of more than a second is a seam between recordings: the clock goes on from where
      it was, and everything after the seam is shifted by the same amount.

    Args:
        step_s: nominal seconds from frame to frame.
    """

    SEAM_S = 1.0

    def __init__(self, step_s: float) -> None:
        self._step_s = step_s
        self._shift_s = 0.0
        self._last_s: float | None = None
        self.repaired = 0

    def stamp(self, stored_s: float | None) -> float:
        """The time of the next picture, in seconds."""
        last_s = self._last_s
        if last_s is None:
            time_s = stored_s if stored_s is not None else 0.0
            self.repaired += stored_s is None
        elif stored_s is not None and stored_s + self._shift_s > last_s:
            time_s = stored_s + self._shift_s
        else:
            time_s = self._repair(stored_s, last_s)
        self._last_s = time_s
        return time_s

    def _repair(self, stored_s: float | None, last_s: float) -> float:
        self.repaired += 1
        if stored_s is None:
            return last_s + self._step_s
        if last_s - (stored_s + self._shift_s) > self.SEAM_S:
            self._shift_s = last_s + self._step_s - stored_s
            return last_s + self._step_s
        return last_s + self._step_s / 2


class TickQueue:
    """Times for AVI, which stores none: pictures are shown one a tick, in order of presentation.

    FFmpeg guesses times for AVI and gets them out of order when there are B-frames. A packet's
    position is certain, so the n-th picture shown gets the n-th position.

    Args:
        reorder: by how many ticks a picture may be shown before its own packet's position.
    """

    def __init__(self, reorder: int) -> None:
        self._reorder = reorder
        self._ticks: list[int] = []

    def put(self, tick: int) -> None:
        """A packet goes into the decoder."""
        heapq.heappush(self._ticks, tick)

    def take(self, own: int) -> int:
        """The picture of the packet at position ``own`` came out: the tick it is shown at."""
        # Earlier ticks belong to pictures that were lost, and would make all later ones late.
        while self._ticks and self._ticks[0] < own - self._reorder:
            heapq.heappop(self._ticks)
        return heapq.heappop(self._ticks) if self._ticks else own


class RateLimit:
    """Keeps the frames nearest after a regular grid of times, so that at most ``max_fps`` remain.

    Args:
        max_fps: frames a second; ``None`` keeps all.
    """

    # Times are rounded (Matroska: to 1 ms) and jitter: a frame may come this much early, but never
    # by more than a tenth of an interval.
    SLACK_S = 0.005

    def __init__(self, max_fps: float | None) -> None:
        self._interval_s = None if max_fps is None else 1 / max_fps
        self._first_s: float | None = None
        self._slot = -1

    def admits(self, time_s: float) -> bool:
        """Whether the frame at this time is kept; times must increase from call to call."""
        if self._interval_s is None:
            return True
        if self._first_s is None:
            self._first_s = time_s
        slack_s = min(self.SLACK_S, self._interval_s / 10)
        slot = int((time_s - self._first_s + slack_s) / self._interval_s)
        if slot <= self._slot:
            return False
        self._slot = slot
        return True
