"""Real processes, real signals, real deaths; only the lifting is fake."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from core.contracts import JobState
from core.store.disk_blobs import DiskBlobs
from tests import waiting
from worker.jobs import STUCK_EXIT

ROOT = Path(__file__).parents[2]
PATIENCE_S = 120.0
"""For a machine that is busy with other things; waiting ends as soon as it can."""


def wait_for(true: Callable[[], bool]) -> float:
    return waiting.wait_for(true, PATIENCE_S)


@pytest.fixture
def blobs(tmp_path) -> DiskBlobs:
    return DiskBlobs(tmp_path / "data" / "blobs")


@pytest.fixture
def start(tmp_path, redis_url):
    processes = []

    def start(name: str, **environment: str) -> subprocess.Popen:
        log = (tmp_path / f"{name}.log").open("w")
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.worker.fake_slot", name],
            cwd=ROOT,
            env=os.environ
            | {
                "POSELIFT_REDIS_URL": redis_url,
                "POSELIFT_DATA_DIR": str(tmp_path / "data"),
                "POSELIFT_LEASE_S": "2",
                "FAKE_LOADED": str(tmp_path / "loaded"),
            }
            | environment,
            stdin=subprocess.DEVNULL,
            stderr=log,
        )
        log.close()
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.wait()


def running(ledger, job_id) -> bool:
    return ledger.get(job_id).state is JobState.RUNNING


def test_a_signal_hands_the_job_back_at_once_and_the_next_worker_finishes_it(
    start, submit, ledger, blobs, queue
):
    job_id = submit(b"endless")
    first = start("first")
    wait_for(lambda: running(ledger, job_id))
    first.send_signal(signal.SIGTERM)
    assert first.wait(PATIENCE_S) == 0
    assert ledger.get(job_id).state is JobState.QUEUED
    assert set(queue.get_job_ids()) == {job_id}  # a sweep at that moment may send it, too
    blobs.put_bytes(f"uploads/{job_id}", b"short")
    start("second")
    wait_for(lambda: ledger.get(job_id).state is JobState.SUCCEEDED)
    assert ledger.get(job_id).attempt == 2


def test_an_idle_worker_stops_at_once(start, tmp_path):
    process = start("idle")
    log = tmp_path / "idle.log"
    wait_for(lambda: "ready" in log.read_text())
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE_S) == 0


def test_a_killed_workers_job_is_finished_by_another(start, submit, ledger, blobs):
    job_id = submit(b"endless")
    doomed = start("doomed")
    wait_for(lambda: running(ledger, job_id))
    doomed.kill()
    blobs.put_bytes(f"uploads/{job_id}", b"short")
    start("heir")
    wait_for(lambda: ledger.get(job_id).state is JobState.SUCCEEDED)
    assert "heir" in ledger.get(job_id).worker


def test_a_second_signal_ends_a_deaf_job_at_once(start, submit, ledger):
    job_id = submit(b"deaf")
    process = start("stubborn")
    wait_for(lambda: running(ledger, job_id))
    process.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1.2)
    wait_for(lambda: ends_after_another(process))
    assert process.returncode == 128 + signal.SIGTERM
    wait_for(lambda: ledger.abandoned() == [job_id])


def ends_after_another(process: subprocess.Popen) -> bool:
    # A second signal counts a second after the first was heard, which may take a while.
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(1.2)
    except subprocess.TimeoutExpired:
        return False
    return True


def test_a_job_that_will_not_stop_takes_its_process_with_it(start, submit, ledger):
    job_id = submit(b"deaf")
    process = start("stuck", POSELIFT_STUCK_S="0.5")
    wait_for(lambda: running(ledger, job_id))
    ledger.request_cancel(job_id)
    assert process.wait(PATIENCE_S) == STUCK_EXIT
    assert ledger.get(job_id).state is JobState.CANCELED


def test_the_runtime_is_loaded_once_for_many_jobs(start, submit, ledger, tmp_path):
    jobs = [submit() for _ in range(4)]
    start("warm")
    wait_for(lambda: all(ledger.get(job).state is JobState.SUCCEEDED for job in jobs))
    assert (tmp_path / "loaded").read_text() == "loaded\n"
    assert (tmp_path / "warm.log").read_text().count("warm_start_ms=") == 4


def test_the_log_holds_no_password(start, tmp_path):
    start("shut-out", POSELIFT_REDIS_URL="redis://user:hunter2@127.0.0.1:1/0")
    log = tmp_path / "shut-out.log"
    wait_for(lambda: "Redis does not answer" in log.read_text())
    assert "hunter2" not in log.read_text()


def test_an_idle_worker_waits_for_redis_and_resumes(tmp_path, start, monkeypatch):
    from core.contracts import JobOptions
    from core.store.connection import connect
    from core.store.embedded import find_redis_server
    from core.store.keys import new_id, upload_key
    from core.store.ledger import JobLedger
    from worker.message import open_queue, send

    socket = tmp_path / "r.sock"
    url = f"unix://{socket}"

    def serve():
        return subprocess.Popen(
            [find_redis_server(), "--port", "0", "--unixsocket", socket, "--save", ""],
            stdout=subprocess.DEVNULL,
            cwd=tmp_path,
        )

    redis_process = serve()
    process = start("patient", POSELIFT_REDIS_URL=url)
    log = tmp_path / "patient.log"
    wait_for(lambda: "ready" in log.read_text())
    redis_process.kill()
    redis_process.wait()
    socket.unlink()  # the next one's is there as soon as it listens
    wait_for(lambda: "Redis does not answer" in log.read_text() or "put off" in log.read_text())
    redis_process = serve()
    try:
        with connect(url, retries=8) as redis:
            wait_for(socket.exists)
            ledger = JobLedger(redis, retention_s=600.0)
            job_id = new_id()
            upload = DiskBlobs(tmp_path / "data" / "blobs").put_bytes(upload_key(job_id), b"x")
            ledger.create(job_id=job_id, filename="x", options=JobOptions(), upload=upload)
            send(open_queue("poselift", redis), job_id)
            wait_for(lambda: ledger.get(job_id).state is JobState.SUCCEEDED)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    finally:
        redis_process.kill()
        redis_process.wait()
