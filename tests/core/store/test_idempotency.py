import pytest
from redis import Redis

from core.contracts import JobOptions
from core.errors import IdempotencyInFlight
from core.store.idempotency import IdempotencyKeys
from core.store.ledger import JobLedger
from tests.core.store.accepting import SOME_FILE


def test_second_request_finds_the_first_ones_job(redis: Redis, ledger: JobLedger) -> None:
    keys = IdempotencyKeys(redis)
    with keys.hold("client's key") as first:
        assert not first.claim.is_replay
        ledger.create(
            job_id=first.claim.job_id, filename="a", options=JobOptions(), upload=SOME_FILE
        )
        first.renew()
    with keys.hold("client's key") as second:
        assert (second.claim.job_id, second.claim.is_replay) == (first.claim.job_id, True)


def test_only_one_at_a_time(redis: Redis) -> None:
    keys = IdempotencyKeys(redis)
    with (
        keys.hold("one"),
        keys.hold("another"),
        pytest.raises(IdempotencyInFlight),
        keys.hold("one"),
    ):
        pass


def test_request_that_failed_may_be_repeated(redis: Redis) -> None:
    keys = IdempotencyKeys(redis)
    with pytest.raises(ZeroDivisionError), keys.hold("one"):
        raise ZeroDivisionError
    with keys.hold("one") as again:
        assert not again.claim.is_replay


def test_the_key_itself_is_not_kept(redis: Redis) -> None:
    with IdempotencyKeys(redis).hold("who-am-i"):
        names = redis.keys("*")
        assert names
        assert not any(b"who-am-i" in name for name in names)
        assert all(redis.ttl(name) > 0 for name in names)
