"""Clients who ask about jobs at the same time are answered by one question to Redis."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from core.contracts import JobRecord
from server.threads import Threads

_LATE_S = 0.25
"""An answer that takes longer may never come; who asks after that does not wait for it."""


class ReadsSeveral(Protocol):
    """The ledger, as far as it is needed here."""

    def several(self, job_ids: Sequence[str]) -> Mapping[str, JobRecord]: ...


class SharedLooks:
    """Spares polling clients a thread and a round trip each. For one event loop.

    While a question is under way, who comes waits for the next one: it begins after they came, so
    that nobody gets an answer that is older than their request. With few clients nobody waits.

    Args:
        ledger: everybody's; who may see a job is for the caller to check.
        threads: where Redis is asked.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        ledger: ReadsSeveral,
        threads: Threads,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger = ledger
        self._threads = threads
        self._clock = clock
        self._gathered: dict[str, asyncio.Future[JobRecord | None]] = {}
        self._asking: set[asyncio.Task[None] | None] = set()
        self._asked_at = clock()

    async def find(self, job_id: str) -> JobRecord | None:
        """The job as it stands now, None if there is none.

        Raises:
            StoreUnavailable: it cannot be known.
            ServerBusy: it took too long until Redis could be asked.
        """
        answer = self._gathered.get(job_id)
        if answer is None:
            answer = asyncio.get_running_loop().create_future()
            self._gathered[job_id] = answer
        if not self._asking or self._clock() - self._asked_at > _LATE_S:
            self._asked_at = self._clock()
            self._asking.add(asyncio.create_task(self._ask()))
        return await asyncio.shield(answer)  # a client who goes takes nobody else's answer along

    async def _ask(self) -> None:
        try:
            while self._gathered:
                batch, self._gathered = self._gathered, {}
                self._asked_at = self._clock()
                await self._answer(batch)
        finally:
            # At once, not by a callback: who comes next must see that nobody is asking any more.
            self._asking.discard(asyncio.current_task())

    async def _answer(self, batch: Mapping[str, asyncio.Future[JobRecord | None]]) -> None:
        try:
            found = await self._threads.run(self._ledger.several, list(batch))
        except Exception as error:
            for answer in batch.values():
                answer.set_exception(error)
                answer.exception()  # all who wanted to know may have gone
        else:
            for job_id, answer in batch.items():
                answer.set_result(found.get(job_id))
