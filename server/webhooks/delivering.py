"""Sends what the outbox holds, one attempt after the other, beside the requests of this server."""

import asyncio
import logging
import time
from contextlib import suppress
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from core.contracts import WebhookState
from core.errors import JobNotFound, StoreUnavailable
from core.event_log.events import about_job, log_event
from core.store.ledger import JobLedger
from core.store.webhooks import Delivery, WebhookOutbox
from core.task_ends import end_tasks
from server.threads import Threads
from server.webhooks.backoff import Backoff
from server.webhooks.messages import message_body, message_id
from server.webhooks.posting import Answer, Poster
from server.webhooks.signing import SigningKeys

log = logging.getLogger(__name__)

_THREADS = 4


class Deliverer:
    """Takes due deliveries and sends them, as an async context manager.

    Any number of servers may do this side by side: each delivery is one's at a time, by a lease
    that outlasts an attempt. Of a server that dies another takes over when the lease ends.

    Args:
        outbox: what is due.
        ledger: what the jobs have come to.
        poster: sends; closed at the end.
        keys: sign.
        backoff: when to try again.
        root: path under which the API is mounted, for links.
        poll_s: how often to look when there was nothing.
        lease_s: longer than the poster takes at most.
        at_once: how many attempts may be under way.
        stop_s: what is under way at the end may take this long; else another attempt is made.
    """

    def __init__(
        self,
        outbox: WebhookOutbox,
        ledger: JobLedger,
        poster: Poster,
        keys: SigningKeys,
        *,
        backoff: Backoff,
        root: str = "",
        poll_s: float = 1.0,
        lease_s: float = 60.0,
        at_once: int = 32,
        stop_s: float = 3.0,
    ) -> None:
        self._outbox = outbox
        self._ledger = ledger
        self._poster = poster
        self._keys = keys
        self._backoff = backoff
        self._root = root
        self._poll_s = poll_s
        self._lease_s = lease_s
        self._stop_s = stop_s
        self._free = asyncio.Semaphore(at_once)
        self._looks = Threads(_THREADS)
        self._stopping = asyncio.Event()
        self._under_way: set[asyncio.Task[None]] = set()
        self._loop: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._loop = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopping.set()
        if self._loop is not None:
            await asyncio.wait({self._loop, *self._under_way}, timeout=self._stop_s)
            await end_tasks(self._loop, *self._under_way)
        await self._poster.aclose()

    async def _run(self) -> None:
        while not self._stopping.is_set():
            await self._free.acquire()
            delivery = None if self._stopping.is_set() else await self._take()
            if delivery is None:
                self._free.release()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), self._poll_s)
                continue
            task = asyncio.create_task(self._see_to(delivery))
            self._under_way.add(task)
            task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._free.release()

    async def _take(self) -> Delivery | None:
        try:
            return await self._looks.run(self._outbox.take, lease_s=self._lease_s)
        except StoreUnavailable as error:
            log_event(log, "webhooks_wait", level=logging.WARNING, reason=error.detail)
        except Exception as error:
            log_event(log, "webhooks_wait", level=logging.ERROR, error=error)
        return None

    async def _see_to(self, delivery: Delivery) -> None:
        with about_job(delivery.job_id):
            try:
                await self._attempt(delivery)
            except (StoreUnavailable, JobNotFound) as error:
                log_event(log, "webhook_put_off", level=logging.WARNING, reason=error.detail)
            except Exception as error:
                log_event(log, "webhook_put_off", level=logging.ERROR, error=error)

    async def _attempt(self, delivery: Delivery) -> None:
        body = delivery.body or await self._looks.run(self._make_body, delivery)
        if body is None:
            return  # the job was deleted
        signed = self._keys.headers(message_id(delivery), int(time.time()), body)
        headers = signed | {"Content-Type": "application/json", "User-Agent": "PoseLift"}
        answer = await self._poster.post(delivery.url, headers, body)
        await self._looks.run(self._settle, delivery, answer)

    def _make_body(self, delivery: Delivery) -> bytes | None:
        record = self._ledger.get(delivery.job_id)
        return self._outbox.keep_body(delivery, message_body(delivery, record, self._root))

    def _settle(self, delivery: Delivery, answer: Answer) -> None:
        outcome = WebhookState.PENDING
        if answer.is_yes:
            outcome = WebhookState.DELIVERED
        elif answer.is_gone:
            outcome = WebhookState.GONE
        state = self._outbox.settle(
            delivery,
            outcome,
            status=answer.status,
            error=answer.trouble,
            pause_s=self._backoff.pause_s(delivery.attempt),
        )
        log_event(
            log,
            "webhook_attempted",
            level=logging.INFO if answer.is_yes else logging.WARNING,
            host=urlsplit(delivery.url).hostname,  # the rest of the URL may hold secrets
            webhook_attempt=delivery.attempt,
            status=answer.status,
            trouble=answer.trouble,
            state=state,
        )
