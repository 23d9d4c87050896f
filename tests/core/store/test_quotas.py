from redis import Redis

from core.store.quotas import UploadQuota


def shift(redis: Redis, client: str, seconds: float) -> None:
    """As if the bucket had last been used so long ago."""
    name = f"poselift:quota:uploads:{client}"
    redis.hset(name, "at", f"{float(redis.hget(name, 'at')) - seconds:.6f}")


def test_so_many_at_once_and_no_more(redis: Redis) -> None:
    quota = UploadQuota(redis, per_minute=3)
    found = [quota.take("a") for _ in range(4)]
    assert [one.granted for one in found] == [True, True, True, False]
    assert [one.left for one in found] == [2, 1, 0, 0]
    assert 0 < found[3].next_in_s <= 20
    assert 40 < found[3].full_in_s <= 60


def test_clients_do_not_share(redis: Redis) -> None:
    quota = UploadQuota(redis, per_minute=1)
    assert [quota.take(client).granted for client in "aab"] == [True, False, True]


def test_it_fills_up_with_time(redis: Redis) -> None:
    quota = UploadQuota(redis, per_minute=3)
    for _ in range(3):
        quota.take("a")
    shift(redis, "a", 21)
    assert [quota.take("a").granted for _ in range(2)] == [True, False]
    shift(redis, "a", 1000)
    assert [quota.take("a").left for _ in range(3)] == [2, 1, 0]


def test_a_clock_that_was_set_back_takes_nothing(redis: Redis) -> None:
    quota = UploadQuota(redis, per_minute=3)
    quota.take("a")
    shift(redis, "a", -1000)
    assert quota.take("a").left == 1


def test_who_does_not_come_again_is_forgotten(redis: Redis) -> None:
    UploadQuota(redis, per_minute=3).take("a")
    (name,) = redis.keys("*")
    assert 0 < redis.ttl(name) <= 61
