import pytest
from redis import Redis

from core.contracts import JobOptions
from core.errors import IdempotencyInFlight
from core.store.idempotency import Claim, IdempotencyKeys
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


def test_two_owners_may_make_up_the_same_key(redis: Redis) -> None:
    keys = IdempotencyKeys(redis)
    with keys.hold("one", owner="a") as first, keys.hold("one", owner="b") as second:
        assert first.claim.job_id != second.claim.job_id


def lose_lock(redis: Redis) -> None:
    """As if Redis had been away for longer than the lease."""
    (lock,) = redis.keys("*:lock")
    redis.delete(lock)


def test_a_lease_that_ran_out_is_taken_again_if_nobody_came(redis: Redis) -> None:
    keys = IdempotencyKeys(redis)
    with keys.hold("one") as held:
        lose_lock(redis)
        held.renew()
        with pytest.raises(IdempotencyInFlight), keys.hold("one"):
            pass


def test_a_lease_that_ran_out_is_lost_to_whoever_came(redis: Redis, ledger: JobLedger) -> None:
    keys = IdempotencyKeys(redis)
    with keys.hold("one") as late:
        lose_lock(redis)
        with keys.hold("one") as second:
            with pytest.raises(IdempotencyInFlight):
                late.renew()
            job_id = second.claim.job_id
            ledger.create(job_id=job_id, filename="a", options=JobOptions(), upload=SOME_FILE)
        with pytest.raises(IdempotencyInFlight):
            late.renew()  # not even now that the other one has ended
    with keys.hold("one") as third:
        assert third.claim == Claim(job_id, is_replay=True)


def test_a_holder_that_died_stands_in_the_way_for_its_lease_only(redis: Redis) -> None:
    with IdempotencyKeys(redis, lease_s=3.0).hold("one"):
        (lock,) = redis.keys("*:lock")
        assert 0 < redis.pttl(lock) <= 3000
