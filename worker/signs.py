"""A worker's signs of life: its name, device and job, for the API's readiness and metrics."""

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

from core.errors import StoreUnavailable
from core.store.counters import Counters, Tally
from core.store.heartbeats import Heartbeats, WorkerBeat

log = logging.getLogger(__name__)

EVERY_S = 4.0


class LifeSigns:
    """Announces one worker every few seconds from a thread, as a context manager.

    Args:
        heartbeats: where it is announced.
        name: the worker's.
        queue: which queue it serves.
        device: what it runs on.
        counters: where what the worker counted is written down, as often as it is announced.
        tally: what it counted.
        measure: its memory in bytes, by kind.
        every_s: between announcements.
    """

    def __init__(
        self,
        heartbeats: Heartbeats,
        *,
        name: str,
        queue: str,
        device: str,
        counters: Counters,
        tally: Tally,
        measure: Callable[[], dict[str, int]] = dict,
        every_s: float = EVERY_S,
    ) -> None:
        self._heartbeats = heartbeats
        self._beat = WorkerBeat(name=name, queue=queue, device=device)
        self._counters = counters
        self._tally = tally
        self._measure = measure
        self._every_s = every_s
        self._woken = threading.Event()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="signs of life", daemon=True)

    def busy_with(self, job_id: str | None) -> None:
        """Announce at once what the worker does now; None while it waits."""
        self._beat = self._beat.model_copy(update={"job_id": job_id})
        self._woken.set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended = True
        self._woken.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._ended:
            with suppress(StoreUnavailable):  # the worker's loop says so already
                update = {"memory_bytes": self._measure()}
                self._heartbeats.announce(self._beat.model_copy(update=update))
                self._counters.write(self._tally)
            self._woken.wait(self._every_s)
            self._woken.clear()
        with suppress(StoreUnavailable):
            self._counters.write(self._tally)
            self._heartbeats.leave(self._beat.name)
