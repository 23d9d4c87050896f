"""Runs a network on batches of any size up to a limit, from recorded CUDA graphs on a GPU.

The networks are hundreds of small operators. Launching them one by one takes longer than computing
them; a recorded graph is launched at once, but for one batch size only.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

_WARM_UP_RUNS = 3  # cuDNN chooses its algorithms, and allocates, before a graph is recorded


@dataclass(frozen=True, eq=False)
class _Recording:
    graph: "torch.cuda.CUDAGraph"
    pictures: Tensor
    outputs: tuple[Tensor, ...]


class Replayed:
    """A network behind recordings, one for each power of two up to the limit.

    A smaller batch runs in the next larger recording, and what is in the rest is thrown away. On a
    CPU the network simply runs.

    Args:
        network: in evaluation mode, on its device.
        limit: the largest batch.
    """

    def __init__(self, network: nn.Module, limit: int) -> None:
        self._network = network
        self._limit = limit
        self._recordings: dict[int, _Recording] = {}

    def __call__(
        self, pictures: Float[Tensor, "batch 3 side side"]
    ) -> tuple[Float[Tensor, "batch ..."], ...]:
        pictures = pictures.contiguous(memory_format=torch.channels_last)
        if not pictures.is_cuda:
            return self._network(pictures)
        count = len(pictures)
        size = min(self._limit, 1 << (count - 1).bit_length())
        if size not in self._recordings:
            self._recordings[size] = self._record(size, pictures)
        recording = self._recordings[size]
        recording.pictures[:count].copy_(pictures)
        recording.graph.replay()
        # The next replay writes over the outputs.
        return tuple(output[:count].clone() for output in recording.outputs)

    def _record(self, size: int, like: Tensor) -> _Recording:
        # One replay at a time, so all recordings may work in the same memory.
        share_with = next(iter(self._recordings.values()), None)
        try:
            return _record(self._network, size, like, share_with)
        except RuntimeError:  # most likely out of memory: give back what recordings hold
            self._recordings.clear()
            raise


def _record(
    network: nn.Module, size: int, like: Tensor, share_with: _Recording | None
) -> _Recording:
    shape = (size, *like.shape[1:])
    pictures = torch.zeros(shape, dtype=like.dtype, device=like.device)
    pictures = pictures.contiguous(memory_format=torch.channels_last)
    aside = torch.cuda.Stream(like.device)
    aside.wait_stream(torch.cuda.current_stream(like.device))
    with torch.cuda.stream(aside):
        for _ in range(_WARM_UP_RUNS):
            network(pictures)
    torch.cuda.current_stream(like.device).wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    pool = None if share_with is None else share_with.graph.pool()
    # Other threads may use the GPU meanwhile.
    with torch.cuda.graph(graph, pool=pool, capture_error_mode="thread_local"):
        outputs = network(pictures)
    return _Recording(graph, pictures, outputs)
