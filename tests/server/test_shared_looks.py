"""Many who ask at once are answered by few questions, none of them older than the request."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from redis import Redis

from core.contracts import BlobFacts, JobOptions, JobRecord
from core.errors import StoreUnavailable
from core.store.keys import new_id
from core.store.ledger import JobLedger
from server.shared_looks import SharedLooks
from server.threads import Threads
from tests.waiting import wait_for


class HeldLedger:
    """A real ledger that answers only when it is let, and remembers what it was asked."""

    def __init__(self, ledger: JobLedger) -> None:
        self._ledger = ledger
        self.go = threading.Event()
        self.asked: list[list[str]] = []
        self.failing = False

    def several(self, job_ids):
        self.asked.append(list(job_ids))
        found = self._ledger.several(job_ids)
        assert self.go.wait(30)
        if self.failing:
            raise StoreUnavailable("Redis is away.")
        return found


@pytest.fixture
def ledger(redis: Redis) -> JobLedger:
    return JobLedger(redis, retention_s=600)


@pytest.fixture
def ids(ledger: JobLedger) -> list[str]:
    facts = BlobFacts(size_bytes=1, sha256="0" * 64)
    return [
        ledger.create(job_id=new_id(), filename="a", options=JobOptions(), upload=facts).id
        for _ in range(3)
    ]


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(test())


async def until(true: Callable[[], bool]) -> None:
    await asyncio.to_thread(wait_for, true)


def looks(held: HeldLedger, now_s: list[float] | None = None) -> SharedLooks:
    clock = [0.0] if now_s is None else now_s
    return SharedLooks(held, Threads(4), clock=lambda: clock[0])


def test_who_comes_while_redis_is_asked_shares_the_next_question(ledger, ids):
    async def test() -> None:
        held = HeldLedger(ledger)
        polls = looks(held)
        first = asyncio.create_task(polls.find(ids[0]))
        await until(lambda: len(held.asked) == 1)
        wanted = [*ids, ids[0], "unknown"]
        later = [asyncio.create_task(polls.find(job_id)) for job_id in wanted]
        await asyncio.sleep(0)
        held.go.set()
        found: list[JobRecord | None] = await asyncio.gather(first, *later)
        assert held.asked == [[ids[0]], [*ids, "unknown"]]
        assert [record and record.id for record in found] == [ids[0], *ids, ids[0], None]
        assert (await polls.find(ids[1])) is not None  # nobody is left who asks: it is asked anew
        assert held.asked[2:] == [[ids[1]]]

    run(test)


def test_an_answer_is_never_older_than_the_request(ledger, ids):
    async def test() -> None:
        held = HeldLedger(ledger)
        polls = looks(held)
        before = asyncio.create_task(polls.find(ids[0]))
        await until(lambda: len(held.asked) == 1)
        ledger.request_cancel(ids[0])
        after = asyncio.create_task(polls.find(ids[0]))
        await asyncio.sleep(0)
        held.go.set()
        assert (await after).state == "canceled"
        await before

    run(test)


def test_a_failure_reaches_all_who_shared_it_and_passes(ledger, ids):
    async def test() -> None:
        held = HeldLedger(ledger)
        held.failing = True
        held.go.set()
        polls = looks(held)
        asking = [polls.find(job_id) for job_id in ids]
        assert all(
            isinstance(told, StoreUnavailable)
            for told in await asyncio.gather(*asking, return_exceptions=True)
        )
        assert held.asked == [ids]
        held.failing = False
        assert (await polls.find(ids[0])) is not None

    run(test)


def test_a_client_who_goes_takes_nobody_elses_answer_along(ledger, ids):
    async def test() -> None:
        held = HeldLedger(ledger)
        polls = looks(held)
        goes, stays = (asyncio.create_task(polls.find(ids[0])) for _ in range(2))
        await until(lambda: len(held.asked) == 1)
        goes.cancel()
        await asyncio.sleep(0)
        held.go.set()
        assert (await stays).id == ids[0]
        assert goes.cancelled()

    run(test)


def test_a_question_without_an_answer_holds_nobody_up_for_long(ledger, ids):
    async def test() -> None:
        held, now_s = HeldLedger(ledger), [0.0]
        polls = looks(held, now_s)
        stuck = asyncio.create_task(polls.find(ids[0]))
        await until(lambda: len(held.asked) == 1)
        now_s[0] = 1.0
        other = asyncio.create_task(polls.find(ids[1]))
        await until(lambda: len(held.asked) == 2)
        assert not stuck.done()
        held.go.set()
        assert (await other).id == ids[1]
        await stuck

    run(test)
