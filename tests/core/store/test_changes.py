import asyncio
from collections.abc import Callable

from redis import Redis

from core.store.changes import CHANNEL, JobChanges
from core.store.connection import connect
from core.store.embedded import EmbeddedRedis
from core.store.ledger import JobLedger
from tests.core.store.accepting import Accept

PATIENCE_S = 60.0
"""Far longer than it takes: only a notice that never comes is waited for to the end."""
MOMENTS = 20


def subscribers(redis: Redis) -> set[bytes]:
    """Who listens just now."""
    if redis.pubsub_numsub(CHANNEL)[0][1] == 0:
        return set()
    return {client["id"] for client in redis.client_list(_type="pubsub")}


async def subscribed(redis: Redis, *, but: set[bytes] = frozenset()) -> set[bytes]:
    """Wait for somebody new to listen: the subscription is made in the background."""
    async with asyncio.timeout(PATIENCE_S):
        while not (found := await asyncio.to_thread(subscribers, redis) - but):
            await asyncio.sleep(0.01)
    return found


def notices(
    redis: Redis, redis_url: str, job_id: str, act: Callable[[], object], timeout_s: float
) -> bool:
    async def main() -> bool:
        others = subscribers(redis)  # servers of other tests, perhaps
        async with JobChanges(redis_url, wake_every_s=PATIENCE_S) as changes:
            await subscribed(redis, but=others)
            with changes.watch(job_id) as watch:
                act()
                return await watch.changed(timeout_s)

    return asyncio.run(main())


def test_transition_wakes_the_waiter(
    redis: Redis, redis_url: str, ledger: JobLedger, accept: Accept
) -> None:
    job_id = accept()
    assert notices(redis, redis_url, job_id, lambda: ledger.request_cancel(job_id), PATIENCE_S)


def test_other_jobs_do_not(redis: Redis, redis_url: str, ledger: JobLedger, accept: Accept) -> None:
    mine, other = accept(), accept()
    assert not notices(redis, redis_url, mine, lambda: ledger.request_cancel(other), 0.3)


def test_survives_a_redis_that_is_away() -> None:
    async def main() -> bool:
        async with JobChanges("redis://127.0.0.1:1") as changes:
            with changes.watch("feed") as watch:
                return await watch.changed(0.3)

    assert not asyncio.run(main())


def test_comes_back_with_redis(tmp_path_factory) -> None:
    """Once more it may be lost: redis-py may subscribe again at once, just before we do."""

    async def main(server: EmbeddedRedis) -> None:
        async with JobChanges(server.url, wake_every_s=PATIENCE_S) as changes:
            with connect(server.url) as redis:
                before = await subscribed(redis)
                redis.client_kill_filter(_type="pubsub")
                await subscribed(redis, but=before)
                with changes.watch("feed") as watch:
                    async with asyncio.timeout(PATIENCE_S):
                        redis.publish(CHANNEL, "feed")
                        while not await watch.changed(0.5):
                            redis.publish(CHANNEL, "feed")

    with EmbeddedRedis(tmp_path_factory.mktemp("redis")) as server:
        asyncio.run(main(server))


def test_it_ends_whatever_it_is_doing(redis_url: str) -> None:
    """Told to end at ever later moments, while it connects and subscribes."""

    async def end_after(seconds: float) -> None:
        async with asyncio.timeout(PATIENCE_S), JobChanges(redis_url):
            await asyncio.sleep(seconds)

    with asyncio.Runner() as runner:
        for moment in range(MOMENTS):
            runner.run(end_after(moment * 0.0005))
