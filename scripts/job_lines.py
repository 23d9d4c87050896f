"""One progress line per job: upload, queue, frames, and how it ended."""

from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from core.contracts import JobState
from scripts.client import JobView


class JobLines:
    """Live lines for the jobs under way; a finished one stays above as plain text.

    Without a terminal only the finished lines are written.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=28),
            TextColumn("{task.fields[note]}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )

    def add(self, name: str, video: Path) -> "JobLine":
        """A new line, for a video about to be sent."""
        task = self._progress.add_task(name, total=video.stat().st_size or 1, note="uploading")
        return JobLine(self._progress, task, name)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()


class JobLine:
    """The line of one job."""

    def __init__(self, progress: Progress, task: TaskID, name: str) -> None:
        self._progress = progress
        self._task = task
        self._name = name

    def sent(self, bytes_sent: int) -> None:
        """So much of the upload has gone out."""
        self._progress.update(self._task, completed=bytes_sent)

    def show(self, view: JobView) -> None:
        """Where the job stands now."""
        known = view.progress
        # While the total is unknown (None) the bar stays put, and the note counts.
        self._progress.update(
            self._task, total=known.frames_total, completed=known.frames_done, note=in_words(view)
        )

    def finish(self, note: str, *, failed: bool = False) -> None:
        """The last word; the line leaves the live part."""
        self._progress.remove_task(self._task)
        mark, style = ("failed", "red") if failed else ("done", "green")
        self._progress.console.print(
            f"{mark:<6} {self._name}: {note}", style=style, markup=False, highlight=False
        )


def in_words(view: JobView) -> str:
    """A job's state in a few words: where in the queue, how many frames, how fast, how long yet."""
    known = view.progress
    if view.state is not JobState.RUNNING:
        place = known.queue_position
        return f"queued, number {place}" if place else view.state.value
    total = "?" if known.frames_total is None else str(known.frames_total)
    words = [known.stage.value, f"{known.frames_done}/{total} frames"]
    if known.fps:
        words.append(f"{known.fps:.0f} frames/s")
    if known.eta_s is not None:
        words.append(f"{known.eta_s:.0f} s to go")
    return ", ".join(words)
