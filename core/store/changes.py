"""Tells waiting clients that a job's record has changed, without asking Redis again and again."""

import asyncio
import logging
from collections import defaultdict
from types import TracebackType
from typing import Any, Self

from redis.asyncio import Redis
from redis.exceptions import RedisError

from core.task_ends import end_tasks

log = logging.getLogger(__name__)

CHANNEL = "poselift:changes"
"""The ledger publishes a job's id here with every transition."""

_RECONNECT_S = 0.5


class JobChanges:
    """One subscription a process, as an async context manager; any number of tasks may wait.

    Messages are hints: one may be lost while the connection is. So waiters also wake by themselves
    now and then, and always read the record afterwards.
    """

    def __init__(self, redis_url: str, *, wake_every_s: float = 2.0) -> None:
        self._redis_url = redis_url
        self._wake_every_s = wake_every_s
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._listen())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._task is not None:
            await end_tasks(self._task)

    def watch(self, job_id: str) -> "Watch":
        """Notice changes from now on: watch first, then read the record, then wait."""
        return Watch(self._waiting, job_id, self._wake_every_s)

    async def _listen(self) -> None:
        while True:
            try:
                await self._follow()
            except (RedisError, OSError):
                pass
            except Exception:  # of a transport below, say; a listener that ended would be missed
                log.exception("the subscription broke; it is made again")
            await asyncio.sleep(_RECONNECT_S)

    async def _follow(self) -> None:
        client: Any = Redis.from_url(self._redis_url, health_check_interval=15)
        async with client, client.pubsub() as channel:
            await channel.subscribe(CHANNEL)
            while True:
                # A short timeout, so that a connection which died silently is noticed by its ping.
                message = await channel.get_message(ignore_subscribe_messages=True, timeout=5.0)
                if message is not None:
                    self._wake(message["data"].decode(errors="replace"))

    def _wake(self, job_id: str) -> None:
        for event in self._waiting.get(job_id, ()):
            event.set()


class Watch:
    """One waiter's eye on one job, as a context manager."""

    def __init__(
        self, waiting: defaultdict[str, set[asyncio.Event]], job_id: str, wake_every_s: float
    ) -> None:
        self._waiting = waiting
        self._job_id = job_id
        self._wake_every_s = wake_every_s
        self._event = asyncio.Event()

    def __enter__(self) -> Self:
        self._waiting[self._job_id].add(self._event)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        others = self._waiting[self._job_id]
        others.discard(self._event)
        if not others:
            del self._waiting[self._job_id]

    async def changed(self, timeout_s: float) -> bool:
        """Wait for a change; false if none was noticed in this time or until it is time to look."""
        try:
            async with asyncio.timeout(min(timeout_s, self._wake_every_s)):
                await self._event.wait()
        except TimeoutError:
            return False
        self._event.clear()
        return True
