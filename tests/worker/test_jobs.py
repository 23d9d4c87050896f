"""One attempt from claim to end: every way it can go is one entry in the ledger."""

import logging
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from core.contracts import JobState, Stage
from core.errors import ImageInvalid, LiftError, NotAVideo, StorageFull
from core.store.keys import result_key, upload_key
from tests.waiting import PATIENCE_S, wait_for
from tests.worker.overtaking import take_over
from worker.ending import Outcome
from worker.halt import Halt, Reason
from worker.jobs import lift, pose


@pytest.fixture
def run(bench):
    def run(job_id, halt=None, bench=bench):
        return lift(job_id, bench=bench, halt=halt or Halt(), beat=lambda: None)

    return run


def behave_by_raising(runtime, error):
    def behave():
        raise error

    runtime.behave = behave


def test_success_reports_its_stages(run, submit, ledger, runtime):
    job_id = submit()
    seen = []
    runtime.behave = lambda: seen.append(ledger.get(job_id).progress)
    assert run(job_id).outcome is Outcome.SUCCEEDED
    assert (seen[0].stage, seen[0].frames_total) == (Stage.LIFTING, 3)
    assert ledger.get(job_id).progress.stage is Stage.DONE


def test_a_coded_failure_is_shown_and_leaves_no_result(run, submit, ledger, runtime, blobs):
    behave_by_raising(runtime, NotAVideo("This is a text file."))
    job_id = submit()
    assert run(job_id).outcome is Outcome.FAILED
    assert ledger.get(job_id).error.code == "not_a_video"
    assert not blobs.exists(result_key(job_id, 1))


def test_a_bug_is_told_to_the_operator_and_not_to_the_client(run, submit, ledger, runtime, caplog):
    behave_by_raising(runtime, ZeroDivisionError("secret internals"))
    job_id = submit()
    run(job_id)
    error = ledger.get(job_id).error
    assert error.code == "internal_error"
    assert "secret" not in error.detail
    assert "ZeroDivisionError" not in error.detail
    assert "secret internals" in caplog.text


@pytest.mark.parametrize("error", [StorageFull("The disk is full."), MemoryError()])
def test_a_failure_of_the_machine_is_tried_again_and_then_final(
    run, submit, ledger, runtime, error
):
    behave_by_raising(runtime, error)
    job_id = submit()
    assert run(job_id).outcome is Outcome.TRY_LATER
    assert ledger.get(job_id).state is JobState.QUEUED
    assert ledger.abandoned(grace_s=0.0) == [job_id]
    assert run(job_id).outcome is Outcome.FAILED
    shown = ledger.get(job_id).error
    assert shown.retriable
    assert shown.code in ("storage_full", "out_of_memory")


def test_a_missing_upload_is_a_coded_failure(run, submit, ledger, blobs):
    job_id = submit()
    blobs.delete(upload_key(job_id))
    assert run(job_id).outcome is Outcome.FAILED
    assert ledger.get(job_id).error.code == "file_missing"


def test_a_cancel_stops_a_running_job(run, submit, ledger, runtime, blobs):
    job_id = submit(b"endless")
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(run, job_id)
        assert runtime.started.wait(PATIENCE_S)
        ledger.request_cancel(job_id)
        assert running.result().outcome is Outcome.CANCELED
    assert ledger.get(job_id).state is JobState.CANCELED
    assert not blobs.exists(result_key(job_id, 1))


def test_a_cancel_just_before_the_end_wins_and_the_result_goes(run, submit, ledger, runtime, blobs):
    job_id = submit()
    runtime.behave = lambda: ledger.request_cancel(job_id)
    assert run(job_id).outcome is Outcome.CANCELED
    assert not blobs.exists(result_key(job_id, 1))


def test_a_job_past_its_time_fails(run, submit, ledger, bench):
    job_id = submit(b"endless")
    run(job_id, bench=replace(bench, job_timeout_s=0.2))
    assert ledger.get(job_id).error.code == "job_timeout"


def test_a_job_that_does_not_move_fails(run, submit, ledger, bench):
    job_id = submit(b"endless")
    run(job_id, bench=replace(bench, stall_timeout_s=0.2))
    error = ledger.get(job_id).error
    assert error.code == "job_timeout"
    assert "no progress" in error.detail


def test_a_shutdown_hands_the_job_back_without_a_penalty(run, submit, ledger, runtime):
    job_id, halt = submit(b"endless"), Halt()
    threading.Timer(0.1, halt.ask, args=(Reason.SHUTDOWN,)).start()
    assert run(job_id, halt).outcome is Outcome.HANDED_BACK
    record = ledger.get(job_id)
    assert (record.state, record.worker) == (JobState.QUEUED, None)


def test_being_handed_back_is_no_failure(run, submit, ledger, runtime):
    job_id = submit(b"endless")
    for _ in range(3):
        halt = Halt()
        halt.ask(Reason.SHUTDOWN)
        assert run(job_id, halt).outcome is Outcome.HANDED_BACK
    behave_by_raising(runtime, StorageFull("The disk is full."))
    assert run(job_id).outcome is Outcome.TRY_LATER
    assert run(job_id).outcome is Outcome.FAILED
    assert ledger.get(job_id).attempt == 5


def test_a_superseded_attempt_writes_nothing(run, submit, ledger, runtime, redis, blobs):
    job_id = submit(b"endless")
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(run, job_id)
        assert runtime.started.wait(PATIENCE_S)
        newer = take_over(ledger, redis, job_id)
        assert running.result().outcome is Outcome.SUPERSEDED
    assert ledger.get(job_id).attempt == newer.token
    assert ledger.get(job_id).worker == "other"


def test_the_lease_is_renewed_for_as_long_as_the_job_runs(run, submit, ledger, runtime, redis):
    job_id = submit(b"endless")
    ends: list[float] = []

    def has_moved_on() -> bool:
        ends.append(redis.zscore("poselift:leases", job_id))
        return len(set(ends)) > 3

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(run, job_id)
        assert runtime.started.wait(PATIENCE_S)
        wait_for(has_moved_on)
        ledger.request_cancel(job_id)
        running.result()
    assert ends == sorted(ends)
    assert redis.zscore("poselift:leases", job_id) is None


def test_each_job_says_how_long_it_took_to_get_going(run, submit, caplog):
    caplog.set_level(logging.INFO)
    for _ in range(2):
        run(submit())
    times = [float(ms) for ms in re.findall(r"warm_start_ms=([\d.]+)", caplog.text)]
    assert len(times) == 2
    assert all(ms >= 1 for ms in times)  # of which the runtime says that it took one itself


@pytest.fixture
def ask(bench):
    def ask(pose_id):
        return pose(pose_id, bench=bench, halt=Halt(), beat=lambda: None)

    return ask


def test_a_picture_is_answered(ask, bench):
    bench.exchange.put("abc", b"picture")
    assert ask("abc").outcome is Outcome.SUCCEEDED
    assert len(bench.exchange.wait("abc", 1.0)) == 1


def test_a_bad_picture_is_refused_with_its_code(ask, bench):
    bench.exchange.put("abc", b"text")
    assert ask("abc").outcome is Outcome.FAILED
    with pytest.raises(ImageInvalid, match="no picture"):
        bench.exchange.wait("abc", 1.0)


def test_a_bug_does_not_leave_the_client_waiting(ask, bench):
    bench.exchange.put("abc", b"bug")
    ask("abc")
    with pytest.raises(LiftError) as caught:
        bench.exchange.wait("abc", 1.0)
    assert caught.value.code == "internal_error"


def test_a_picture_nobody_waits_for_is_left(ask):
    assert ask("abc").outcome is Outcome.NOTHING_TO_DO
