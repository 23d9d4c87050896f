"""Jobs of one owner are, for another, not there."""

import pytest
from redis import Redis

from core.contracts import JobOptions, JobState
from core.errors import IdempotencyInFlight, JobNotFound, QuotaExceeded
from core.store.idempotency import IdempotencyKeys
from core.store.keys import new_id
from core.store.ledger import JobLedger
from tests.core.store.accepting import SOME_FILE, Accept


@pytest.fixture
def anna(ledger: JobLedger) -> JobLedger:
    return ledger.owned_by("anna")


@pytest.fixture
def bert(ledger: JobLedger) -> JobLedger:
    return ledger.owned_by("bert")


def found_by(ledger: JobLedger, state: JobState | None = None) -> list[str]:
    return [record.id for record in ledger.list(state)[0]]


def test_a_job_knows_its_owner_and_others_do_not_know_it(
    ledger: JobLedger, anna: JobLedger, bert: JobLedger
) -> None:
    job_id = Accept(anna)()
    assert anna.get(job_id).owner == ledger.get(job_id).owner == "anna"
    for ask in (bert.get, bert.request_cancel, bert.delete):
        with pytest.raises(JobNotFound) as refused:
            ask(job_id)
        with pytest.raises(JobNotFound) as unknown:
            ask(new_id())
        assert refused.value.detail == unknown.value.detail
    assert anna.get(job_id).state is JobState.QUEUED


def test_jobs_from_before_there_were_keys_belong_to_nobody(
    ledger: JobLedger, anna: JobLedger
) -> None:
    job_id = Accept(ledger)()
    assert ledger.get(job_id).owner is None
    with pytest.raises(JobNotFound):
        anna.get(job_id)


def test_lists_follow_every_transition(
    ledger: JobLedger, anna: JobLedger, bert: JobLedger, redis: Redis
) -> None:
    mine, _ = Accept(anna)(), Accept(bert)()
    expected = {JobState.QUEUED: [mine]}

    def is_as_expected() -> bool:
        shown = {state: found_by(anna, state) for state in JobState}
        return found_by(anna) == [mine] and shown == {key: [] for key in JobState} | expected

    assert is_as_expected()
    attempt = ledger.claim(mine, worker="w", lease_s=30)
    assert attempt is not None
    expected = {JobState.RUNNING: [mine]}
    assert is_as_expected()
    ledger.release(attempt)
    expected = {JobState.QUEUED: [mine]}
    assert is_as_expected()
    attempt = ledger.claim(mine, worker="w", lease_s=30)
    assert attempt is not None
    ledger.succeed(attempt, SOME_FILE, 1)
    expected = {JobState.SUCCEEDED: [mine]}
    assert is_as_expected()
    anna.delete(mine)
    assert found_by(anna) == []
    assert not redis.exists("poselift:owner:anna", "poselift:owner:anna:succeeded")


def test_pages_hold_ones_own_jobs_only(anna: JobLedger, bert: JobLedger) -> None:
    mine = []
    for _ in range(5):
        mine.append(Accept(anna)())
        Accept(bert)()
    first, cursor = anna.list(limit=3)
    rest, end = anna.list(cursor=cursor, limit=3)
    assert [record.id for record in first + rest] == mine[::-1]
    assert end is None


def test_so_many_may_wait_and_no_more(ledger: JobLedger, anna: JobLedger, bert: JobLedger) -> None:
    first = Accept(anna)(max_queued_own=2)
    Accept(anna)(max_queued_own=2)
    with pytest.raises(QuotaExceeded, match="2 of your jobs"):
        Accept(anna)(max_queued_own=2)
    Accept(bert)(max_queued_own=2)
    assert (anna.own_waiting(), bert.own_waiting()) == (2, 1)
    assert ledger.claim(first, worker="w", lease_s=30) is not None
    Accept(anna)(max_queued_own=2)


def test_a_record_that_was_dropped_takes_up_no_quota(anna: JobLedger, redis: Redis) -> None:
    redis.delete(f"poselift:job:{Accept(anna)(max_queued_own=1)}")
    Accept(anna)(max_queued_own=1)


def test_the_same_idempotency_key_of_another_owner_is_another(redis: Redis) -> None:
    keys = IdempotencyKeys(redis)
    with keys.hold("x", owner="anna") as one, keys.hold("x", owner="bert") as other:
        assert one.claim.job_id != other.claim.job_id
        with pytest.raises(IdempotencyInFlight), keys.hold("x", owner="anna"):
            pass


def test_creating_is_the_same_with_an_owner(anna: JobLedger) -> None:
    """Asked twice, since the first reply was lost, it makes one job."""
    job_id = new_id()
    for _ in range(2):
        anna.create(job_id=job_id, filename="a", options=JobOptions(), upload=SOME_FILE)
    assert found_by(anna) == [job_id]
