"""One progress bar per file that is being fetched."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn

from core.assets.packages import FetchProgress


class FetchLines:
    """Shows what ``fetch`` and ``pose_bundle`` report; nothing appears if all is there already."""

    def __init__(self, console: Console) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
        self._progress = Progress(*columns, console=console)
        self._tasks: dict[str, TaskID] = {}

    def show(self, now: FetchProgress) -> None:
        """So much has come."""
        if not self._tasks:
            self._progress.start()
        if now.label not in self._tasks:
            self._tasks[now.label] = self._progress.add_task(now.label)
        self._progress.update(
            self._tasks[now.label], completed=now.done_bytes, total=now.total_bytes
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            for task in self._progress.tasks:  # a pulse has no end of its own
                end = task.total or 1
                self._progress.update(task.id, total=end, completed=end)
        self._progress.stop()
