"""RQ's side: the right functions run, its books are right, and a warm process stays warm."""

import threading
from hashlib import sha256

from rq import Worker
from rq.job import JobStatus
from rq.registry import FailedJobRegistry, FinishedJobRegistry, StartedJobRegistry

from core.contracts import JobState
from core.errors import NotAVideo
from core.store.keys import result_key
from tests.waiting import PATIENCE_S, wait_for
from tests.worker.overtaking import take_over
from worker.message import Message


def reason(queue, job_id: str) -> str:
    return queue.fetch_job(job_id).latest_result().exc_string


def test_a_job_runs_and_its_result_is_stored(hire, submit, ledger, blobs):
    job_id = submit(b"dance")
    hire().work(burst=True)
    record = ledger.get(job_id)
    assert record.state is JobState.SUCCEEDED
    assert record.persons == 1
    assert record.worker == "tester"
    key = result_key(job_id, record.attempt)
    assert b"".join(blobs.read(key)) == b"poses of dance"
    assert record.result.size_bytes == len(b"poses of dance")
    assert record.result.sha256 == sha256(b"poses of dance").hexdigest()


def test_rq_shows_finished_and_failed_jobs(hire, submit, queue, runtime, ledger):
    good = submit()
    hire().work(burst=True)

    def refuse():
        raise NotAVideo("This is no video.")

    runtime.behave = refuse
    bad = submit()
    hire("second").work(burst=True)
    registries = [kind(queue=queue) for kind in (FinishedJobRegistry, FailedJobRegistry)]
    assert [registry.get_job_ids(cleanup=False) for registry in registries] == [[good], [bad]]
    assert StartedJobRegistry(queue=queue).get_job_ids(cleanup=False) == []
    assert queue.count == 0
    assert "not_a_video: This is no video." in reason(queue, bad)
    error = ledger.get(bad).error
    assert error is not None
    assert (error.code, error.detail, error.retriable) == (
        "not_a_video",
        "This is no video.",
        False,
    )


def test_rq_shows_a_running_job_and_a_busy_worker(hire, submit, queue, runtime, ledger, redis):
    job_id = submit(b"endless")
    thread = threading.Thread(target=hire().work, kwargs={"burst": True})
    thread.start()
    assert runtime.started.wait(PATIENCE_S)
    assert StartedJobRegistry(queue=queue).get_job_ids(cleanup=False) == [job_id]
    (worker,) = Worker.all(connection=redis)
    assert (worker.get_state(), worker.get_current_job_id()) == ("busy", job_id)
    assert queue.fetch_job(job_id).get_status() is JobStatus.STARTED
    ledger.request_cancel(job_id)
    thread.join()
    assert queue.fetch_job(job_id).return_value() == "canceled"


def test_only_known_functions_run_and_nothing_is_imported(hire, queue, tmp_path, monkeypatch):
    trap = tmp_path / "trapped_module.py"
    trap.write_text(f"open({str(tmp_path / 'sprung')!r}, 'w')\ndef spring(*args): pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    message = queue.enqueue_call(
        "trapped_module.spring",
        on_success=None,
        on_failure=None,
    )
    message._failure_callback_name = message._success_callback_name = "trapped_module.spring"
    message.save()
    hire().work(burst=True)
    assert not (tmp_path / "sprung").exists()
    assert FailedJobRegistry(queue=queue).get_job_ids(cleanup=False) == [message.id]
    assert "does not run 'trapped_module.spring'" in reason(queue, message.id)


def test_an_unreadable_message_fails_and_the_worker_goes_on(hire, queue, submit, state, redis):
    broken = queue.enqueue_call("worker.jobs.lift", args=("x",))
    redis.hset(Message.key_for(broken.id), "data", b"\x80\x04 a pickle")
    job_id = submit()
    hire().work(burst=True)
    assert state(job_id) is JobState.SUCCEEDED
    assert broken.id in FailedJobRegistry(queue=queue).get_job_ids(cleanup=False)


def test_a_message_that_comes_twice_runs_once(hire, queue, submit, runtime, redis):
    job_id = submit()
    redis.rpush(queue.key, job_id)
    hire().work(burst=True)
    assert len(runtime.lifted) == 1


def test_a_message_for_an_unknown_job_does_nothing(hire, queue, runtime):
    queue.enqueue_call("worker.jobs.lift", args=("../../etc/passwd",))
    hire().work(burst=True)
    assert runtime.lifted == []


def test_two_workers_share_jobs(hire, submit, runtime, state):
    runtime.behave = lambda: threading.Event().wait(0.05)
    jobs = [submit(name=f"{n}.mp4") for n in range(8)]
    workers = [hire(f"worker-{n}") for n in range(2)]
    threads = [threading.Thread(target=w.work, kwargs={"burst": True}) for w in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {state(job_id) for job_id in jobs} == {JobState.SUCCEEDED}
    assert sorted(runtime.lifted) == [f"{n}.mp4" for n in range(8)]


def test_rqs_own_stop_command_cancels_the_job(hire, submit, runtime, state, redis):
    from rq.command import send_stop_job_command
    from rq.serializers import JSONSerializer

    job_id = submit(b"endless")
    thread = threading.Thread(target=hire().work, kwargs={"burst": True})
    thread.start()
    assert runtime.started.wait(PATIENCE_S)
    send_stop_job_command(redis, job_id, serializer=JSONSerializer)
    wait_for(lambda: state(job_id) is JobState.CANCELED)
    thread.join()


def test_a_superseded_attempt_leaves_the_newer_message_alone(
    hire, submit, runtime, queue, ledger, redis
):
    job_id = submit(b"endless")
    thread = threading.Thread(target=hire().work, kwargs={"burst": True})
    thread.start()
    assert runtime.started.wait(PATIENCE_S)
    from worker.message import send

    send(queue, job_id)
    queue.remove(job_id)  # nobody takes it in this test
    take_over(ledger, redis, job_id)
    thread.join()
    assert ledger.get(job_id).state is JobState.RUNNING
    assert ledger.get(job_id).worker == "other"
    assert queue.fetch_job(job_id).get_status() is JobStatus.QUEUED
