"""The next batches are drawn while this one is learnt from."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier

import numpy as np
import torch

from core.training.dice import Dice
from core.training.sampler import Batch
from core.training.sources import BatchSource


def dice_of_step(seed: int, step: int) -> Dice:
    """Every step throws its own dice, so a batch depends neither on the others nor on timing."""
    return Dice(int(np.random.SeedSequence((seed, step)).generate_state(1, np.uint64)[0]))


@contextmanager
def batches_from(
    source: BatchSource, seed: int, step: int, threads: int
) -> Iterator[Iterator[Batch]]:
    """The endless batches of ``step``, ``step + 1``, ...; their threads end with the context.

    Args:
        source: must be safe to draw from on several threads.
        seed: of the run.
        step: the first one.
        threads: how many batches are drawn at a time, ahead of use; 0 draws each when asked.
    """

    def draw(number: int) -> Batch:
        return source.draw(dice_of_step(seed, number), number)

    if threads == 0:
        yield _when_asked(draw, step)
        return
    own = torch.get_num_threads()
    begun = Barrier(threads + 1)
    with ThreadPoolExecutor(threads, "draw", torch.set_num_threads, (1,)) as pool:
        for _ in range(threads):
            pool.submit(begun.wait)
        begun.wait()
        # In torch the number is each thread's own, but MKL's is everybody's: give ours back.
        torch.set_num_threads(own)
        yield _ahead(pool, draw, step, threads)


def _when_asked(draw: Callable[[int], Batch], step: int) -> Iterator[Batch]:
    while True:
        # The sampler's operations are too small to share.
        own = torch.get_num_threads()
        torch.set_num_threads(1)
        batch = draw(step)
        torch.set_num_threads(own)
        yield batch
        step += 1


def _ahead(
    pool: ThreadPoolExecutor, draw: Callable[[int], Batch], step: int, threads: int
) -> Iterator[Batch]:
    pending = deque(pool.submit(draw, step + extra) for extra in range(threads))
    while True:
        batch = pending.popleft().result()
        pending.append(pool.submit(draw, step + threads))
        step += 1
        yield batch
