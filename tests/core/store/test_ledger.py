"""The ledger's transitions: atomic, fenced, and always toward an end."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis

from core.contracts import JobError, JobOptions, JobState, Progress, Stage
from core.errors import (
    AttemptSuperseded,
    JobConflict,
    JobNotFound,
    QueueFull,
    StoreUnavailable,
    VideoTruncated,
)
from core.store.connection import connect
from core.store.ledger import JobLedger
from tests.core.store.accepting import SOME_FILE, Accept

BROKEN = JobError.of(VideoTruncated("It is cut off."))


def test_accepted_job_is_queued_with_what_came(ledger: JobLedger) -> None:
    options = JobOptions(max_persons=2, height_m=1.8)
    made = ledger.create(job_id="a1", filename="ü\n.mp4", options=options, upload=SOME_FILE)
    assert made == ledger.get("a1")
    assert (made.state, made.filename, made.options) == (JobState.QUEUED, "ü\n.mp4", options)
    assert (made.expires_at - made.created_at).total_seconds() == pytest.approx(600)
    assert abs(made.created_at.timestamp() - time.time()) < 5


def test_an_id_is_used_once(ledger: JobLedger, accept: Accept) -> None:
    with pytest.raises(JobConflict):
        ledger.create(job_id=accept(), filename="x", options=JobOptions(), upload=SOME_FILE)


@pytest.mark.parametrize("job_id", ["0" * 32, "", "a/../b", "x" * 500, "jobs:queued", "a b"])
def test_unknown_job(ledger: JobLedger, job_id: str) -> None:
    with pytest.raises(JobNotFound):
        ledger.get(job_id)


def test_queue_has_an_end(ledger: JobLedger, accept: Accept) -> None:
    accept(max_queued=1)
    with pytest.raises(QueueFull):
        accept(max_queued=1)
    assert ledger.counts()[JobState.QUEUED] == 1


def test_positions_move_up(ledger: JobLedger, accept: Accept) -> None:
    first, second, third = accept(), accept(), accept()
    assert [ledger.queue_position(job) for job in (first, second, third)] == [1, 2, 3]
    ledger.claim(first, worker="w", lease_s=30.0)
    assert [ledger.queue_position(job) for job in (first, second, third)] == [None, 1, 2]


def test_from_claim_to_result(ledger: JobLedger, accept: Accept) -> None:
    attempt = accept.running()
    assert attempt.record.state is JobState.RUNNING
    assert (attempt.record.worker, attempt.record.attempt) == ("one", attempt.token)
    ledger.report(attempt, Progress(stage=Stage.LIFTING, frames_done=7, frames_total=9, fps=3.5))
    shown = ledger.get(attempt.job_id).progress
    assert (shown.stage, shown.frames_done, shown.fps) == (Stage.LIFTING, 7, 3.5)
    assert ledger.succeed(attempt, SOME_FILE, 2) is JobState.SUCCEEDED
    done = ledger.get(attempt.job_id)
    assert (done.state, done.result, done.persons) == (JobState.SUCCEEDED, SOME_FILE, 2)
    assert done.progress.stage is Stage.DONE
    assert done.finished_at is not None
    assert done.expires_at > attempt.record.expires_at


def test_failure_keeps_its_reason(ledger: JobLedger, accept: Accept) -> None:
    attempt = accept.running()
    ledger.fail(attempt, BROKEN)
    record = ledger.get(attempt.job_id)
    assert (record.state, record.error) == (JobState.FAILED, BROKEN)


def test_only_one_of_many_claims_wins(ledger: JobLedger, accept: Accept) -> None:
    job_id = accept()
    with ThreadPoolExecutor(8) as pool:
        claims = list(
            pool.map(lambda n: ledger.claim(job_id, worker=f"{n}", lease_s=9.0), range(40))
        )
    assert sum(claim is not None for claim in claims) == 1


@pytest.mark.parametrize("end", ["succeed", "fail", "cancel", "delete", "unknown"])
def test_nothing_to_claim(ledger: JobLedger, accept: Accept, end: str) -> None:
    attempt = accept.running()
    job_id = attempt.job_id
    match end:
        case "succeed":
            ledger.succeed(attempt, SOME_FILE, 0)
        case "fail":
            ledger.fail(attempt, BROKEN)
        case "cancel":
            ledger.cancel(attempt)
        case "delete":
            ledger.cancel(attempt)
            ledger.delete(job_id)
        case _:
            job_id = "feed"
    assert ledger.claim(job_id, worker="two", lease_s=9.0) is None


def test_late_attempt_can_write_nothing(ledger: JobLedger, accept: Accept) -> None:
    late = accept.running(lease_s=0.01)
    time.sleep(0.02)
    newer = ledger.claim(late.job_id, worker="two", lease_s=30.0)
    assert newer is not None
    assert newer.token > late.token
    for write in (
        lambda: ledger.renew(late, 30.0),
        lambda: ledger.report(late, Progress()),
        lambda: ledger.succeed(late, SOME_FILE, 1),
        lambda: ledger.fail(late, BROKEN),
        lambda: ledger.cancel(late),
        lambda: ledger.release(late),
    ):
        with pytest.raises(AttemptSuperseded):
            write()
    record = ledger.get(late.job_id)
    assert (record.state, record.worker) == (JobState.RUNNING, "two")


def test_renewed_lease_holds(ledger: JobLedger, accept: Accept) -> None:
    attempt = accept.running(lease_s=0.05)
    assert ledger.renew(attempt, 30.0) is False
    time.sleep(0.06)
    assert ledger.claim(attempt.job_id, worker="two", lease_s=9.0) is None
    assert ledger.abandoned() == []


def test_released_job_is_queued_where_it_stood(ledger: JobLedger, accept: Accept) -> None:
    attempt, later = accept.running(), accept()
    ledger.report(attempt, Progress(frames_done=5))
    ledger.release(attempt)
    record = ledger.get(attempt.job_id)
    assert (record.state, record.worker, record.progress.frames_done) == (JobState.QUEUED, None, 0)
    assert ledger.queue_position(attempt.job_id) == 1
    assert ledger.queue_position(later) == 2
    assert ledger.abandoned() == [attempt.job_id]  # at once; the other is still being sent


class TestCancel:
    def test_queued_job_ends_at_once(self, ledger: JobLedger, accept: Accept) -> None:
        assert ledger.request_cancel(accept()).state is JobState.CANCELED

    def test_running_job_is_asked(self, ledger: JobLedger, accept: Accept) -> None:
        attempt = accept.running()
        asked = ledger.request_cancel(attempt.job_id)
        assert (asked.state, asked.cancel_requested) == (JobState.RUNNING, True)
        assert ledger.renew(attempt, 30.0) is True
        ledger.cancel(attempt)
        assert ledger.get(attempt.job_id).state is JobState.CANCELED

    @pytest.mark.parametrize("end", ["succeed", "fail", "release", "die", "reclaim"])
    def test_wins_over_any_later_end(self, ledger: JobLedger, accept: Accept, end: str) -> None:
        attempt = accept.running(lease_s=0.02)
        ledger.request_cancel(attempt.job_id)
        match end:
            case "succeed":
                assert ledger.succeed(attempt, SOME_FILE, 1) is JobState.CANCELED
            case "fail":
                assert ledger.fail(attempt, BROKEN) is JobState.CANCELED
            case "release":
                assert ledger.release(attempt) is JobState.CANCELED
            case "die":
                time.sleep(0.03)
                assert ledger.abandoned() == []
            case "reclaim":
                time.sleep(0.03)
                assert ledger.claim(attempt.job_id, worker="two", lease_s=9.0) is None
        record = ledger.get(attempt.job_id)
        assert (record.state, record.result, record.error) == (JobState.CANCELED, None, None)

    def test_ended_job_cannot_be_canceled(self, ledger: JobLedger, accept: Accept) -> None:
        attempt = accept.running()
        ledger.succeed(attempt, SOME_FILE, 1)
        with pytest.raises(JobConflict):
            ledger.request_cancel(attempt.job_id)
        with pytest.raises(JobNotFound):
            ledger.request_cancel("feed")


class TestAbandoned:
    def test_accepted_but_never_sent(self, ledger: JobLedger, accept: Accept) -> None:
        job_id = accept()
        assert ledger.abandoned() == []  # somebody is surely sending it just now
        assert ledger.abandoned(grace_s=0.0) == [job_id]
        ledger.sent(job_id)
        assert ledger.abandoned(grace_s=0.0) == []

    def test_dead_workers_job_goes_back(self, ledger: JobLedger, accept: Accept) -> None:
        attempt = accept.running(lease_s=0.01)
        time.sleep(0.02)
        assert ledger.abandoned() == [attempt.job_id]
        assert ledger.get(attempt.job_id).state is JobState.QUEUED
        assert ledger.abandoned() == []  # offered a moment ago
        again = ledger.claim(attempt.job_id, worker="two", lease_s=9.0)
        assert again is not None
        assert again.token == attempt.token + 1

    def test_job_that_kills_its_workers_is_given_up(
        self, ledger: JobLedger, accept: Accept
    ) -> None:
        job_id = accept()
        for _ in range(2):
            assert ledger.claim(job_id, worker="w", lease_s=0.01) is not None
            time.sleep(0.02)
            ledger.abandoned()
        record = ledger.get(job_id)
        assert record.state is JobState.FAILED
        assert record.error is not None
        assert record.error.code == "worker_lost"

    def test_handing_back_is_no_loss(self, ledger: JobLedger, accept: Accept) -> None:
        job_id = accept()
        for _ in range(5):
            attempt = ledger.claim(job_id, worker="w", lease_s=9.0)
            assert attempt is not None
            ledger.release(attempt)
        assert ledger.get(job_id).state is JobState.QUEUED

    def test_only_failures_count_as_failures(self, ledger: JobLedger, accept: Accept) -> None:
        job_id, states = accept(), []
        for hand_back in (True, False, True, True, False):
            attempt = ledger.claim(job_id, worker="w", lease_s=9.0)
            assert attempt is not None
            if hand_back:
                ledger.release(attempt)
            else:
                states.append(ledger.fail_for_now(attempt, BROKEN, max_failures=2))
        assert states == [JobState.QUEUED, JobState.FAILED]
        assert ledger.get(job_id).error == BROKEN


class TestLostRecord:
    """Redis was told to evict, or an operator removed a key."""

    def test_others_are_looked_after_all_the_same(
        self, ledger: JobLedger, accept: Accept, redis: Redis
    ) -> None:
        dead, queued, ended = accept.running(lease_s=0.01), accept(), accept.running()
        ledger.succeed(ended, SOME_FILE, 1)
        for job_id in (dead.job_id, queued, ended.job_id):
            redis.delete(f"poselift:job:{job_id}")
        other = accept.running(lease_s=0.01)
        time.sleep(0.02)
        assert ledger.abandoned() == [other.job_id]
        assert ledger.expire_due(time.time() + 700) == [ended.job_id]  # so that its files go
        assert ledger.claim(queued, worker="w", lease_s=9.0) is None
        assert ledger.ids(JobState.QUEUED) == [other.job_id]
        assert ledger.expire_due(time.time() + 700) == ledger.ids(JobState.RUNNING) == []


class TestList:
    def test_pages_newest_first(self, ledger: JobLedger, accept: Accept) -> None:
        jobs = [accept() for _ in range(5)][::-1]
        first, cursor = ledger.list(limit=2)
        second, cursor = ledger.list(cursor=cursor, limit=2)
        accept()  # what comes meanwhile moves no page
        third, end = ledger.list(cursor=cursor, limit=2)
        assert [record.id for record in first + second + third] == jobs
        assert end is None

    def test_by_state(self, ledger: JobLedger, accept: Accept) -> None:
        attempt, waiting = accept.running(), accept()
        assert [record.id for record in ledger.list(JobState.QUEUED)[0]] == [waiting]
        assert [record.id for record in ledger.list(JobState.RUNNING)[0]] == [attempt.job_id]
        assert ledger.list(JobState.FAILED) == ([], None)

    def test_nonsense_cursor_begins_anew(self, ledger: JobLedger, accept: Accept) -> None:
        job_id = accept()
        assert ledger.list(cursor="; FLUSHALL")[0][0].id == job_id


class TestExpiry:
    def test_expired_by_the_clock_even_if_nobody_sweeps(self, redis: Redis) -> None:
        ledger = JobLedger(redis, retention_s=600)
        attempt = Accept(ledger).running()
        ledger.succeed(attempt, SOME_FILE, 1)
        assert ledger.get(attempt.job_id).state is JobState.SUCCEEDED
        redis.hset(f"poselift:job:{attempt.job_id}", "expires_at", "1.0")  # long ago
        assert ledger.get(attempt.job_id).state is JobState.EXPIRED

    def test_offered_until_confirmed_then_forgotten(
        self, ledger: JobLedger, accept: Accept
    ) -> None:
        attempt, live = accept.running(), accept()
        ledger.succeed(attempt, SOME_FILE, 1)
        job_id, soon = attempt.job_id, time.time() + 700
        assert ledger.expire_due() == []
        assert ledger.expire_due(soon) == ledger.expire_due(soon) == [job_id]
        assert ledger.get(job_id).state is JobState.EXPIRED
        ledger.confirm_expired(job_id)
        assert ledger.expire_due(soon) == []
        assert ledger.get(job_id).state is JobState.EXPIRED
        ledger.expire_due(time.time() + 8 * 86_400)
        with pytest.raises(JobNotFound):
            ledger.get(job_id)
        assert [record.id for record in ledger.list()[0]] == [live]

    def test_deleted_job_leaves_nothing(
        self, ledger: JobLedger, accept: Accept, redis: Redis
    ) -> None:
        attempt = accept.running()
        with pytest.raises(JobConflict):
            ledger.delete(attempt.job_id)
        ledger.succeed(attempt, SOME_FILE, 1)
        ledger.delete(attempt.job_id)
        with pytest.raises(JobNotFound):
            ledger.delete(attempt.job_id)
        # What stays is about no single job, but for its name until its files have been swept.
        assert set(redis.keys("*")) == {
            b"poselift:seq", b"poselift:counters", b"poselift:leftovers"
        }  # fmt: skip


def test_redis_away_is_said_so() -> None:
    ledger = JobLedger(connect("redis://127.0.0.1:1", timeout_s=0.2, retries=0), retention_s=1.0)
    with pytest.raises(StoreUnavailable):
        ledger.get("feed")


def test_redis_out_of_memory_accepts_nothing(redis: Redis, accept: Accept) -> None:
    redis.config_set("maxmemory", 1)
    try:
        with pytest.raises(StoreUnavailable):
            accept()
    finally:
        redis.config_set("maxmemory", 0)
    assert redis.keys("*") == []
