"""Counts of the whole deployment."""

import threading

import pytest
from redis import Redis

from core.errors import StoreUnavailable
from core.store import counters as counters_module
from core.store.connection import connect
from core.store.counters import Count, Counters, Tally


def test_what_several_processes_count_is_summed(redis: Redis) -> None:
    counters = Counters(redis)
    for _ in range(3):
        tally = Tally()
        tally.add(Count.UPLOADS)
        tally.add(Count.UPLOAD_BYTES, by=3_291_918_123)
        tally.add(Count.UPLOADS_REFUSED, "not_a_video")
        counters.write(tally)
        counters.write(tally)  # nothing new
    assert counters.read() == {
        ("uploads",): 3,
        ("upload_bytes",): 3 * 3_291_918_123,
        ("uploads_refused", "not_a_video"): 3,
    }


def test_a_histogram_counts_each_thing_in_one_bucket(redis: Redis) -> None:
    tally = Tally()
    for seconds in (0.5, 1.0, 1.5, 99.0):
        tally.observe(Count.JOB_RUN_SECONDS, "failed", seconds=seconds, bounds_s=(1, 2))
    Counters(redis).write(tally)
    assert Counters(redis).read() == {
        ("job_run_seconds_bucket", "failed", "1"): 2,
        ("job_run_seconds_bucket", "failed", "2"): 1,
        ("job_run_seconds_bucket", "failed", "+Inf"): 1,
        ("job_run_seconds_sum", "failed"): 102,
    }


def test_nothing_is_lost_and_nothing_waits_while_redis_is_away(redis: Redis) -> None:
    tally = Tally()
    tally.add(Count.FRAMES, by=5)
    with connect("redis://127.0.0.1:1", retries=0) as away, pytest.raises(StoreUnavailable):
        Counters(away).write(tally)
    tally.add(Count.FRAMES, by=7)
    for _ in range(2):
        Counters(redis).write(tally)
    assert Counters(redis).read() == {("frames",): 12}


def test_a_batch_whose_reply_got_lost_counts_once(redis: Redis) -> None:
    counters, tally = Counters(redis), Tally()
    tally.add(Count.FRAMES, by=5)
    batch = tally.batch()
    counters.write(tally)
    tally._batch = batch  # as if the confirmation had never come
    counters.write(tally)
    tally.add(Count.FRAMES, by=1)
    counters.write(tally)
    assert counters.read() == {("frames",): 6}


def test_threads_may_count_while_it_is_written(redis: Redis) -> None:
    counters, tally = Counters(redis), Tally()

    def count() -> None:
        for _ in range(500):
            tally.add(Count.FRAMES)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        counters.write(tally)
    for _ in range(2):
        counters.write(tally)
    assert counters.read() == {("frames",): 2000}


def test_labels_cannot_fill_the_memory(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counters_module, "MOST_FIELDS", 10)
    counters, tally = Counters(redis), Tally()
    for number in range(50):
        tally.add(Count.UPLOADS_REFUSED, f"code_{number}")
    counters.write(tally)
    kept = counters.read()
    assert len(kept) == 10
    for _, label in kept:
        tally.add(Count.UPLOADS_REFUSED, label)
    counters.write(tally)
    assert set(counters.read().values()) == {2}
