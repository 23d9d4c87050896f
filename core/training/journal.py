"""The log of a run: a line of JSON for every report, and TensorBoard where it is installed."""

import json
import math
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, Self

LOG_FILE = "log.jsonl"
TENSORBOARD_FOLDER = "tensorboard"


class Journal:
    """Writes numbers by step. A context manager: what was written is on disk at its end.

    A run that goes on from an earlier step drops the lines after it: they will come again.

    Attributes:
        has_tensorboard: whether there is a package to write TensorBoard's files.
    """

    def __init__(self, folder: Path, step: int) -> None:
        self._path = folder / LOG_FILE
        self._forget_after(step)
        self._writer = _writer(folder / TENSORBOARD_FOLDER, step)
        self.has_tensorboard = self._writer is not None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._writer is not None:
            self._writer.close()

    def write(self, step: int, numbers: dict[str, float], parts: dict[str, float]) -> None:
        """Add one line.

        Args:
            step: updates done.
            numbers: by name, for both; digits as they are to be shown.
            parts: for TensorBoard alone.
        """
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, **numbers}) + "\n")
        if self._writer is not None:
            for name, value in {**numbers, **parts}.items():
                self._writer.add_scalar(name, value, step)

    def _forget_after(self, step: int) -> None:
        if not self._path.exists():
            return
        lines = self._path.read_text(encoding="utf-8").splitlines()
        kept = [line for line in lines if _step_of(line) <= step]
        partial = self._path.with_suffix(".partial")
        partial.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
        partial.replace(self._path)


def _step_of(line: str) -> float:
    try:
        return int(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):  # the line that a kill cut short
        return math.inf


def _writer(folder: Path, step: int) -> Any:  # noqa: ANN401  the package is optional
    try:
        module = import_module("torch.utils.tensorboard")
    except ImportError:
        return None
    return module.SummaryWriter(str(folder), purge_step=step + 1)
