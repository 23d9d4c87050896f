"""One TensorFlow Lite graph, for any number of threads."""

from collections.abc import Sequence
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32

from core.errors import AssetCorrupt
from core.keypoints.native_log import quiet_native_log

if TYPE_CHECKING:
    from ai_edge_litert.interpreter import Interpreter


class LiteNetwork:
    """Computes some outputs of a graph for one picture at a time, on one core.

    Thread-safe. Threads that are at it at the same time have an interpreter each, which is loaded
    by whichever thread finds none idle, and kept.

    Args:
        stored: the graph's file.
        outputs: shapes of the wanted outputs; of several equal ones the first is taken.

    Raises:
        AssetCorrupt: LiteRT cannot load the graph, or it has no such outputs.
    """

    def __init__(self, stored: bytes, outputs: Sequence[tuple[int, ...]]) -> None:
        self._stored = stored
        self._outputs = outputs
        self._lock = Lock()
        self._idle = [_Runner(stored, outputs)]
        self.side = self._idle[0].side

    def __call__(
        self, pixels: Float32[np.ndarray, "side side 3"]
    ) -> tuple[Float32[np.ndarray, "1 ..."], ...]:
        with self._lock:
            runner = self._idle.pop() if self._idle else None
        runner = runner or _Runner(self._stored, self._outputs)
        try:
            return runner(pixels)
        finally:
            with self._lock:
                self._idle.append(runner)


class _Runner:
    """One interpreter, for one thread at a time."""

    def __init__(self, stored: bytes, outputs: Sequence[tuple[int, ...]]) -> None:
        self._interpreter = _load(stored)
        pictures, *_ = self._interpreter.get_input_details()
        self._input: int = pictures["index"]
        self.side = int(pictures["shape"][1])
        self._numbers = [self._number(shape) for shape in outputs]

    def __call__(self, pixels: np.ndarray) -> tuple[np.ndarray, ...]:
        self._interpreter.set_tensor(self._input, pixels[None])
        self._interpreter.invoke()
        return tuple(self._interpreter.get_tensor(number) for number in self._numbers)

    def _number(self, shape: tuple[int, ...]) -> int:
        for output in self._interpreter.get_output_details():
            if tuple(output["shape"]) == shape:
                return output["index"]
        raise AssetCorrupt(f"The pose network has no output of shape {shape}.")


def _load(stored: bytes) -> "Interpreter":
    # LiteRT takes part of a second to import, which only whoever needs it should wait for.
    from ai_edge_litert.interpreter import Interpreter

    try:
        with quiet_native_log():
            # One thread: pictures of a video are read side by side, and a second thread for one
            # picture would mostly wait for the first.
            interpreter = Interpreter(model_content=stored, num_threads=1)
            interpreter.allocate_tensors()
    except (RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0][:300]
        raise AssetCorrupt(f"LiteRT cannot load the pose network: {reason}") from error
    return interpreter
