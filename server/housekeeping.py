"""What a server looks after by itself, workers or not."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from core.errors import LiftError
from core.store.blobs import BlobStore
from core.store.expiry import remove_expired
from core.store.ledger import JobLedger
from core.store.live_frames import LiveFrames
from core.store.partial_files import PARTIAL_AGE_S
from core.task_ends import end_tasks
from server.doubts import Doubts
from server.threads import Threads

log = logging.getLogger(__name__)

_SETTLE_EVERY_S = 0.5


@dataclass(frozen=True)
class Chore:
    """Something to be done again and again.

    Attributes:
        do: blocking.
        every_s: pause between two rounds.
    """

    do: Callable[[], object]
    every_s: float


def chores(
    ledger: JobLedger,
    blobs: BlobStore,
    frames: LiveFrames,
    doubts: Doubts,
    *,
    sweep_every_s: float,
) -> tuple[Chore, ...]:
    """Uploads in doubt are cleared up, dead writers' files swept, expired files removed.

    Workers do the latter two as well, but there may be none.
    """
    return (
        Chore(doubts.settle, _SETTLE_EVERY_S),
        Chore(lambda: blobs.sweep_partial(PARTIAL_AGE_S), sweep_every_s),
        Chore(lambda: remove_expired(ledger, blobs, frames), sweep_every_s),
    )


@asynccontextmanager
async def looked_after(work: tuple[Chore, ...]) -> AsyncIterator[None]:
    """Do all chores at once and then regularly, as long as the block runs."""
    threads = Threads(len(work))
    tasks = [asyncio.create_task(_repeat(chore, threads)) for chore in work]
    try:
        yield
    finally:
        await end_tasks(*tasks)


async def _repeat(chore: Chore, threads: Threads) -> None:
    while True:
        await threads.run(_try, chore.do)
        await asyncio.sleep(chore.every_s)


def _try(do: Callable[[], object]) -> None:
    began = time.monotonic()
    try:
        do()
    except LiftError as error:
        log.warning("upkeep put off after %.1f s: %s", time.monotonic() - began, error)
    except Exception:
        log.exception("upkeep failed; it goes on with the next round")
