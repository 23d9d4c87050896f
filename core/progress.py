"""Turns counted frames into a rate and a time to go, and reports them now and then."""

from collections.abc import Callable
from time import monotonic

from core.contracts import Progress, Stage

REPORT_EVERY_S = 0.25
_MEMORY_S = 5.0


class ProgressMeter:
    """Counts frames as they pass and tells a listener a few times a second.

    The rate is a running mean over the last seconds rather than over the whole job, so that the
    time to go follows a scene in which people appear or leave.
    """

    def __init__(
        self,
        on_progress: Callable[[Progress], None],
        *,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._on_progress = on_progress
        self._clock = clock
        self._frames_total: int | None = None
        self._frames_done = 0
        self._fps: float | None = None
        self._reported_at_s = clock()
        self._reported_frames = 0
        self._known_frames = 0

    def expect(self, frames_total: int | None) -> None:
        """Lifting begins; about so many frames will pass, if anybody knows."""
        self._frames_total = frames_total
        self.stage(Stage.LIFTING)

    def advance(self) -> None:
        """One more frame has been read and searched for people."""
        self._frames_done += 1
        self.tick()

    def known(self) -> None:
        """One more frame had been searched before; it says nothing about how fast we are."""
        self._frames_done += 1
        self._reported_frames += 1
        self._known_frames += 1
        self.tick()

    def tick(self) -> None:
        """Something was done, if only on the way to the next frame: report, if it is time."""
        elapsed_s = self._clock() - self._reported_at_s
        if elapsed_s < REPORT_EVERY_S:
            return
        # The way to the first frame says nothing about the others.
        if self._frames_done > self._known_frames:
            self._measure(elapsed_s)
        self.stage(Stage.LIFTING)

    def stage(self, stage: Stage) -> None:
        """Say what the job is busy with now."""
        self._reported_at_s = self._clock()
        self._reported_frames = self._frames_done
        total = self._total(stage)
        left = None if total is None else total - self._frames_done
        eta_s = None if left is None or not self._fps else left / self._fps
        self._on_progress(
            Progress(
                stage=stage,
                frames_done=self._frames_done,
                frames_total=total,
                fps=None if self._fps is None else round(self._fps, 2),
                eta_s=None if eta_s is None else round(eta_s, 1),
            )
        )

    def _measure(self, elapsed_s: float) -> None:
        latest_fps = (self._frames_done - self._reported_frames) / elapsed_s
        known_fps = latest_fps if self._fps is None else self._fps
        self._fps = known_fps + min(1.0, elapsed_s / _MEMORY_S) * (latest_fps - known_fps)

    def _total(self, stage: Stage) -> int | None:
        """The container's estimate, unless we know better."""
        if stage in (Stage.WRITING, Stage.DONE):
            return self._frames_done
        if self._frames_total is None:
            return None
        return max(self._frames_total, self._frames_done)
