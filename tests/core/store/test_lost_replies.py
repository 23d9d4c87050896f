"""A connection that breaks between a transition and its reply changes nothing."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from core.contracts import JobError, JobOptions, JobState
from core.errors import StorageFull
from core.store.connection import connect
from core.store.ledger import JobLedger
from tests.core.store.accepting import SOME_FILE, Accept
from tests.core.store.losing import LosingProxy


@pytest.fixture
def proxy(redis_url: str) -> Iterator[LosingProxy]:
    with TemporaryDirectory() as folder:  # a socket's path must be short
        proxy = LosingProxy(Path(folder), redis_url.removeprefix("unix://"))
        yield proxy
        proxy.close()


@pytest.fixture
def shaky(proxy: LosingProxy) -> Iterator[JobLedger]:
    with connect(proxy.url) as redis:
        yield JobLedger(redis, retention_s=600.0)


def test_job_is_made_once(shaky: JobLedger, proxy: LosingProxy) -> None:
    proxy.lose_next()
    record = shaky.create(job_id="a1", filename="a", options=JobOptions(), upload=SOME_FILE)
    assert proxy.lost == 1
    assert record.state is JobState.QUEUED
    assert len(shaky.list()[0]) == 1


def test_claim_is_not_lost(shaky: JobLedger, proxy: LosingProxy) -> None:
    job_id = Accept(shaky)()
    proxy.lose_next()
    attempt = shaky.claim(job_id, worker="w", lease_s=30.0)
    assert proxy.lost == 1
    assert attempt is not None
    assert attempt.token == 1
    assert shaky.claim(job_id, worker="w", lease_s=30.0) is None


def test_success_stays_a_success(shaky: JobLedger, proxy: LosingProxy) -> None:
    attempt = Accept(shaky).running()
    proxy.lose_next()
    assert shaky.succeed(attempt, SOME_FILE, 1) is JobState.SUCCEEDED
    assert proxy.lost == 1
    assert shaky.succeed(attempt, SOME_FILE, 1) is JobState.SUCCEEDED  # asked again by hand


def test_failure_counts_once(shaky: JobLedger, proxy: LosingProxy) -> None:
    job_id, full, states = Accept(shaky)(), JobError.of(StorageFull("Full.")), []
    for _ in range(3):
        attempt = shaky.claim(job_id, worker="w", lease_s=30.0)
        assert attempt is not None
        proxy.lose_next()
        states.append(shaky.fail_for_now(attempt, full, max_failures=3))
    assert proxy.lost == 3
    assert states == [JobState.QUEUED, JobState.QUEUED, JobState.FAILED]


def test_handing_back_is_not_taken_for_superseded(shaky: JobLedger, proxy: LosingProxy) -> None:
    attempt = Accept(shaky).running()
    proxy.lose_next()
    shaky.release(attempt)
    assert proxy.lost == 1
    assert shaky.get(attempt.job_id).state is JobState.QUEUED
