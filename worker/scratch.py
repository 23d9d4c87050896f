"""Where a running job spools its result: next to its final place, and swept if the worker dies."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

_PREFIX = "job-"
_ABANDONED_S = 86_400.0


@contextmanager
def scratch_folder(root: Path) -> Iterator[Path]:
    """A folder for one attempt, removed at its end."""
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    with TemporaryDirectory(prefix=_PREFIX, dir=root, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def sweep_scratch(root: Path, older_than_s: float = _ABANDONED_S) -> None:
    """Remove folders in which nothing was written for so long: their worker was killed."""
    for folder in root.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            newest = max(path.stat().st_mtime for path in [folder, *folder.rglob("*")])
            if time.time() - newest > older_than_s:
                shutil.rmtree(folder, ignore_errors=True)
