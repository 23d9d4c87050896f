"""Numbers for Prometheus, true for the whole deployment whichever process is asked."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.registry import Collector

from core.errors import ServerBusy, StoreUnavailable
from core.store.counters import REQUEST_BOUNDS_S, Count, Counters, Tally
from core.task_ends import end_tasks
from server.threads import Threads

WRITE_EVERY_S = 1.0
"""A server that is killed forgets what it counted since; everybody else's numbers lag by this."""


class Metrics:
    """What this process counts, and what it shows of all of them.

    Args:
        write_every_s: how often counts go to Redis.
    """

    def __init__(self, *, write_every_s: float = WRITE_EVERY_S) -> None:
        self._tally = Tally()
        self._counters: Counters | None = None
        self._registry = CollectorRegistry()
        self._write_every_s = write_every_s

    def uploaded(self, size_bytes: int) -> None:
        """A video was received completely."""
        self._tally.add(Count.UPLOADS)
        self._tally.add(Count.UPLOAD_BYTES, by=size_bytes)

    def refused(self, code: str) -> None:
        """An upload was not made a job, for a reason with this code of ours."""
        self._tally.add(Count.UPLOADS_REFUSED, code)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request was answered; by its route, not its path, for ids are no labels."""
        labels = method, route, str(status)
        self._tally.observe(
            Count.REQUEST_SECONDS, *labels, seconds=seconds, bounds_s=REQUEST_BOUNDS_S
        )

    def show(self, *collectors: Collector) -> None:
        """Ask these at every scrape."""
        for collector in collectors:
            self._registry.register(collector)

    @asynccontextmanager
    async def written_to(self, counters: Counters, threads: Threads) -> AsyncIterator[None]:
        """Keep writing what is counted here to where all processes' counts are, until the end."""
        self._counters = counters
        writing = asyncio.create_task(self._keep_writing(threads))
        try:
            yield
        finally:
            await end_tasks(writing)
            with suppress(ServerBusy):
                await threads.run(self._write)

    def expose(self) -> bytes:
        """Everything in Prometheus's text format; asks Redis, so call it from a thread."""
        self._write()
        return generate_latest(self._registry)

    async def _keep_writing(self, threads: Threads) -> None:
        while True:
            await asyncio.sleep(self._write_every_s)
            with suppress(ServerBusy):
                await threads.run(self._write)

    def _write(self) -> None:
        if self._counters is not None:
            with suppress(StoreUnavailable):  # it stays in the tally until Redis is back
                self._counters.write(self._tally)
