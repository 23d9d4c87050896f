"""Tells waiting clients that a job's record has changed, without asking Redis again and again."""

import asyncio
import logging
import threading
from collections import defaultdict
from types import TracebackType
from typing import Self

from redis.exceptions import RedisError

from core.store.connection import connect

log = logging.getLogger(__name__)

CHANNEL = "poselift:changes"
"""The ledger publishes a job's id here with every transition."""

_RECONNECT_S = 0.5
_LOOK_S = 0.1
"""The listening thread sees this often whether it should end."""
_TIMEOUT_S = 2.0
"""For connecting, too: the end of a server waits no longer for a Redis that hangs."""


class JobChanges:
    """One subscription a process, as an async context manager; any number of tasks may wait.

    Messages are hints: one may be lost while the connection is. So waiters also wake by themselves
    now and then, and always read the record afterwards.

    A thread listens, not a task. redis-py's asynchronous client sends through `asyncio.wait_for`,
    which on Python 3.11 may keep a cancellation to itself
    (https://github.com/python/cpython/issues/86296): a server that was told to stop while it
    subscribed waited for ever. And a TLS connection that is closed goes on for a while in the event
    loop, which by then is closed as well.
    """

    def __init__(self, redis_url: str, *, wake_every_s: float = 2.0) -> None:
        self._redis_url = redis_url
        self._wake_every_s = wake_every_s
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._ending = threading.Event()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._thread = threading.Thread(
            target=self._listen, args=(loop,), name="job changes", daemon=True
        )
        self._thread.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ending.set()
        await asyncio.to_thread(self._thread.join)

    def watch(self, job_id: str) -> "Watch":
        """Notice changes from now on: watch first, then read the record, then wait."""
        return Watch(self._waiting, job_id, self._wake_every_s)

    def _listen(self, loop: asyncio.AbstractEventLoop) -> None:
        while not self._ending.is_set():
            try:
                self._follow(loop)
            except (RedisError, OSError):
                pass
            except Exception:  # a listener that ended would be missed
                log.exception("the subscription broke; it is made again")
            self._ending.wait(_RECONNECT_S)

    def _follow(self, loop: asyncio.AbstractEventLoop) -> None:
        client = connect(self._redis_url, timeout_s=_TIMEOUT_S, retries=0)
        with client, client.pubsub(ignore_subscribe_messages=True) as channel:
            channel.subscribe(CHANNEL)
            while not self._ending.is_set():
                # One that died silently is noticed late; until then waiters look by themselves.
                message = channel.get_message(timeout=_LOOK_S)
                if message is not None:
                    changed = message["data"].decode(errors="replace")
                    loop.call_soon_threadsafe(self._wake, changed)

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
