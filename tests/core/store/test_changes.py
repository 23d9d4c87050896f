import asyncio
import time
from collections.abc import Callable

from core.store.changes import JobChanges
from core.store.embedded import EmbeddedRedis
from core.store.ledger import JobLedger
from tests.core.store.accepting import Accept


def notices(redis_url: str, job_id: str, act: Callable[[], object], timeout_s: float) -> bool:
    async def main() -> bool:
        async with JobChanges(redis_url, wake_every_s=9.0) as changes:
            await asyncio.sleep(0.2)  # the subscription is made in the background
            with changes.watch(job_id) as watch:
                act()
                return await watch.changed(timeout_s)

    return asyncio.run(main())


def test_transition_wakes_the_waiter(redis_url: str, ledger: JobLedger, accept: Accept) -> None:
    job_id = accept()
    began = time.monotonic()
    assert notices(redis_url, job_id, lambda: ledger.request_cancel(job_id), 8.0)
    assert time.monotonic() - began < 3


def test_other_jobs_do_not(redis_url: str, ledger: JobLedger, accept: Accept) -> None:
    mine, other = accept(), accept()
    assert not notices(redis_url, mine, lambda: ledger.request_cancel(other), 0.3)


def test_survives_a_redis_that_is_away() -> None:
    assert not notices("redis://127.0.0.1:1", "feed", lambda: None, 0.3)


def test_comes_back_with_redis(tmp_path_factory) -> None:
    async def main(server: EmbeddedRedis) -> bool:
        from core.store.connection import connect

        async with JobChanges(server.url, wake_every_s=9.0) as changes:
            await asyncio.sleep(0.2)
            with connect(server.url) as redis:
                redis.client_kill_filter(_type="pubsub")
                await asyncio.sleep(1.0)
                with changes.watch("feed") as watch:
                    redis.publish("poselift:changes", "feed")
                    return await watch.changed(5.0)

    with EmbeddedRedis(tmp_path_factory.mktemp("redis")) as server:
        assert asyncio.run(main(server))
