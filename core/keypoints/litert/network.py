"""One TensorFlow Lite graph, for any number of threads."""

from collections.abc import Callable, Sequence
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from jaxtyping import UInt8

from core.errors import AssetCorrupt
from core.keypoints.native_log import quiet_native_log

if TYPE_CHECKING:
    from ai_edge_litert.interpreter import Interpreter

Decoded = TypeVar("Decoded")


class LiteNetwork:
    """Computes some outputs of a graph for one picture at a time, on one core.

    Thread-safe. Threads that are at it at the same time have an interpreter each, which is loaded
    by whichever thread finds none idle, and kept.

    Args:
        stored: the graph's file.
        outputs: shapes of the wanted outputs; of several equal ones the first is taken.
        black: the number that stands for black in the network's input; white is 1.

    Raises:
        AssetCorrupt: LiteRT cannot load the graph, or it has no such outputs.
    """

    def __init__(
        self, stored: bytes, outputs: Sequence[tuple[int, ...]], *, black: float = 0.0
    ) -> None:
        self._stored = stored
        self._outputs = outputs
        self._black = black
        self._lock = Lock()
        self._idle = [_Runner(stored, outputs)]
        self.side = self._idle[0].side

    def rehearse(self, threads: int) -> None:
        """Have an interpreter for each of so many threads, and let each allocate what it needs."""
        black = np.zeros((self.side, self.side, 3), np.uint8)
        with self._lock:
            while len(self._idle) < threads:
                self._idle.append(_Runner(self._stored, self._outputs))
            for runner in self._idle:
                runner.run(black, self._black, lambda *_: None)

    def __call__(
        self, pixels: UInt8[np.ndarray, "side side 3"], decode: Callable[..., Decoded]
    ) -> Decoded:
        """What ``decode`` makes of the outputs.

        Args:
            pixels: the picture.
            decode: given the outputs without their batch axis, in which the next picture's will be:
                it must not return any part of them.
        """
        with self._lock:
            runner = self._idle.pop() if self._idle else None
        runner = runner or _Runner(self._stored, self._outputs)
        try:
            return runner.run(pixels, self._black, decode)
        finally:
            with self._lock:
                self._idle.append(runner)


class _Runner:
    """One interpreter, for one thread at a time."""

    def __init__(self, stored: bytes, outputs: Sequence[tuple[int, ...]]) -> None:
        self._interpreter = _load(stored)
        pictures, *_ = self._interpreter.get_input_details()
        self.side = int(pictures["shape"][1])
        # LiteRT's own memory, as arrays. An array itself must not be kept: LiteRT would not run.
        self._input = self._interpreter.tensor(pictures["index"])
        self._made = [self._interpreter.tensor(self._number(shape)) for shape in outputs]

    def run(self, pixels: np.ndarray, black: float, decode: Callable[..., Decoded]) -> Decoded:
        self._fill(pixels, black)
        self._interpreter.invoke()
        return decode(*(output()[0] for output in self._made))

    def _fill(self, pixels: np.ndarray, black: float) -> None:
        wanted = self._input()[0]
        wanted[...] = pixels  # in two steps it takes NumPy half as long
        wanted *= np.float32((1 - black) / 255)
        if black:
            wanted += np.float32(black)

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
