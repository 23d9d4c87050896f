"""Turns counted frames into a rate and a time to go, and reports them now and then."""

from collections.abc import Callable
from time import monotonic

from core.contracts import Progress, Stage

REPORT_EVERY_S = 0.25


class ProgressMeter:
    """Counts frames as they pass and tells a listener a few times a second.

    The rate is a running mean over the last seconds rather than over the whole job, so that the
    time to go follows a scene in which people appear or leave.
    """

    def __init__(
        self,
        frames_total: int | None,
        on_progress: Callable[[Progress], None],
        *,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._frames_total = frames_total
        self._on_progress = on_progress
        self._clock = clock
        self._frames_done = 0
        self._fps: float | None = None
        self._reported_at_s = clock()
        self._reported_frames = 0
        self._report(Stage.LIFTING)

    @property
    def frames_done(self) -> int:
        return self._frames_done

    def advance(self) -> None:
        """One more frame has been read and searched for people."""
        self._frames_done += 1
        elapsed_s = self._clock() - self._reported_at_s
        if elapsed_s < REPORT_EVERY_S:
            return
        latest_fps = (self._frames_done - self._reported_frames) / elapsed_s
        weight = min(1.0, elapsed_s / 5)  # forget over about five seconds
        self._fps = (
            latest_fps if self._fps is None else self._fps + weight * (latest_fps - self._fps)
        )
        self._report(Stage.LIFTING)

    def stage(self, stage: Stage) -> None:
        """Say what the job is busy with now."""
        self._report(stage)

    def _report(self, stage: Stage) -> None:
        self._reported_at_s = self._clock()
        self._reported_frames = self._frames_done
        total = self._frames_total
        if total is not None and (
            stage in (Stage.WRITING, Stage.DONE) or total < self._frames_done
        ):
            total = self._frames_done  # the container's estimate was off
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
