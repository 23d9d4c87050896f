"""Lost jobs come back, expired files go, and one worker at a time looks after it."""

import os
import time

import pytest

from core.contracts import JobState
from core.store.keys import result_key, upload_key
from tests.waiting import wait_for
from worker.message import Message
from worker.scratch import scratch_folder, sweep_scratch
from worker.sweeper import Sweeper, SweeperThread, Turn


@pytest.fixture
def sweeper(ledger, queue, blobs, bench, tmp_path):
    return Sweeper(ledger, queue, blobs, bench.frames, scratch=tmp_path / "scratch")


def test_a_dead_workers_job_goes_to_another(hire, submit, sweeper, queue, ledger, redis, state):
    job_id = submit()
    queue.remove(job_id)
    ledger.claim(job_id, worker="doomed", lease_s=30.0)
    sweeper.sweep()
    assert queue.get_job_ids() == []
    redis.zadd("poselift:leases", {job_id: 1})  # its lease ran out
    sweeper.sweep()
    assert queue.get_job_ids() == [job_id]
    hire().work(burst=True)
    assert state(job_id) is JobState.SUCCEEDED
    assert ledger.get(job_id).attempt == 2


def test_a_message_lost_between_two_commands_is_sent_again(submit, sweeper, queue, redis):
    job_id = submit()
    redis.lmove(queue.key, queue.intermediate_queue_key)  # and then the worker died
    sweeper.sweep()
    assert queue.get_job_ids() == []  # it may be on its way
    sweeper.sweep()
    assert queue.get_job_ids() == [job_id]
    assert queue.intermediate_queue.get_job_ids() == []


def test_a_job_that_waits_is_left_alone(submit, sweeper, queue):
    jobs = [submit() for _ in range(3)]
    for _ in range(3):
        sweeper.sweep()
    assert queue.get_job_ids() == jobs


def test_expired_files_go(hire, submit, sweeper, ledger, blobs, redis, queue):
    job_id = submit()
    hire().work(burst=True)
    sweeper.sweep()
    assert blobs.exists(upload_key(job_id))
    redis.zadd("poselift:expiry", {job_id: 1})
    sweeper.sweep()
    assert not blobs.exists(upload_key(job_id))
    assert not blobs.exists(result_key(job_id, 1))
    assert ledger.get(job_id).state is JobState.EXPIRED
    assert not Message.exists(job_id, redis)


def test_files_without_a_job_go_in_time(ledger, queue, blobs, bench, tmp_path):
    class Clock:
        now = 0.0

        def __call__(self) -> float:
            return self.now

    clock = Clock()
    sweeper = Sweeper(ledger, queue, blobs, bench.frames, scratch=tmp_path, clock=clock)
    blobs.put_bytes(upload_key("of-no-job"), b"x")
    for path in (tmp_path / "blobs" / "uploads").iterdir():
        os.utime(path, (1, 1))
    sweeper.sweep()
    assert blobs.exists(upload_key("of-no-job"))
    clock.now += 3601
    sweeper.sweep()
    assert not blobs.exists(upload_key("of-no-job"))


def test_one_worker_at_a_time_has_the_turn(redis):
    first, second = (Turn(redis, name, hold_s=30.0) for name in ("first", "second"))
    assert first.take()
    assert first.take()
    assert not second.take()
    second.give_up()
    assert not second.take()
    first.give_up()
    assert second.take()


def test_the_turn_of_a_dead_worker_runs_out(redis):
    assert Turn(redis, "dead", hold_s=0.05).take()
    time.sleep(0.1)
    assert Turn(redis, "living", hold_s=30.0).take()


def test_the_thread_goes_on_after_a_failure_and_gives_its_turn_up(redis):
    class Moody:
        rounds = 0

        def sweep(self):
            self.rounds += 1
            if self.rounds == 1:
                raise ValueError("a bug")

    moody = Moody()
    with SweeperThread(moody, Turn(redis, "a", hold_s=30.0), every_s=0.01):
        wait_for(lambda: moody.rounds >= 3)
    assert Turn(redis, "b", hold_s=30.0).take()


def test_scratch_folders_of_killed_workers_go_after_a_day(tmp_path):
    with scratch_folder(tmp_path) as mine:
        dead = tmp_path / "job-dead"
        dead.mkdir()
        (dead / "pose.npz").write_bytes(b"half")
        for path in (dead / "pose.npz", dead):
            os.utime(path, (1, 1))
        sweep_scratch(tmp_path)
        assert mine.exists()
        assert not dead.exists()
    assert list(tmp_path.iterdir()) == []
