"""Whoever asked is told that a job ended, at least once, and is led nowhere they may not go."""

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr
from redis import Redis

from core.contracts import JobOptions, WebhookState
from core.store.keys import new_id
from core.store.ledger import JobLedger
from server.settings import ServerSettings
from tests.core.store.accepting import SOME_FILE
from tests.faults.serving import ServerProcess
from tests.integration.stack import ROOT
from tests.server.running import RunningServer
from tests.server.webhooks.receiver import SECRET, Receiver, receiving, status
from tests.waiting import wait_for

PATIENCE_S = 60.0
ENDS_AND_DIES = """
import os, signal, sys
from core.store.connection import connect
from core.store.ledger import JobLedger
from tests.core.store.accepting import SOME_FILE

ledger = JobLedger(connect(sys.argv[1]), retention_s=600.0)
ledger.succeed(ledger.claim(sys.argv[2], worker="doomed", lease_s=30.0), SOME_FILE, 1)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def ledger(redis: Redis) -> JobLedger:
    return JobLedger(redis, retention_s=600.0)


@pytest.fixture
def accept(ledger: JobLedger) -> Callable[[str], str]:
    def accept(url: str) -> str:
        job_id = new_id()
        ledger.create(
            job_id=job_id,
            filename="clip.mp4",
            options=JobOptions(),
            upload=SOME_FILE,
            webhook_url=url,
        )
        return job_id

    return accept


@pytest.fixture
def end(ledger: JobLedger) -> Callable[[str], None]:
    def end(job_id: str) -> None:
        attempt = ledger.claim(job_id, worker="w", lease_s=30.0)
        assert attempt is not None
        ledger.succeed(attempt, SOME_FILE, 1)

    return end


@pytest.fixture
def serve(redis_url: str, tmp_path: Path) -> Iterator[Callable[..., RunningServer]]:
    """Starts servers that send webhooks, in threads."""
    running: list[RunningServer] = []

    def serve(*, allow_private: bool = True) -> RunningServer:
        settings = ServerSettings(
            redis_url=redis_url,
            data_dir=tmp_path / "data",
            webhook_secret=SecretStr(SECRET),
            webhook_allow_private=allow_private,
        )
        running.append(RunningServer(settings))
        return running[-1]

    yield serve
    for server in running:
        server.stop()


def state(ledger: JobLedger, job_id: str) -> WebhookState:
    webhook = ledger.get(job_id).webhook
    assert webhook is not None
    return webhook.state


def test_a_worker_that_dies_right_after_the_end_takes_no_message_with_it(
    receiver, accept, ledger, serve, redis_url
):
    job_id = accept(receiver.url)
    command = [sys.executable, "-c", ENDS_AND_DIES, redis_url, job_id]
    died = subprocess.run(command, check=False, cwd=ROOT)
    assert died.returncode == -signal.SIGKILL
    assert state(ledger, job_id) is WebhookState.PENDING
    serve()  # none was there when the job ended
    wait_for(lambda: state(ledger, job_id) is WebhookState.DELIVERED, PATIENCE_S)
    assert receiver.ids() == [f"msg_{job_id}"]


def test_a_server_killed_while_it_sends_is_relieved_by_another(
    receiver, accept, end, ledger, serve, redis, redis_url, tmp_path
):
    hanging = threading.Event()
    receiver.replies = [lambda handler: hanging.wait(PATIENCE_S) and None, status(204)]
    doomed = ServerProcess(
        tmp_path,
        redis_url,
        POSELIFT_WEBHOOK_SECRET=SECRET,
        POSELIFT_WEBHOOK_ALLOW_PRIVATE="true",
    )
    try:
        job_id = accept(receiver.url)
        end(job_id)
        doomed.running.wait_until(lambda: len(receiver.requests) == 1)
    finally:
        doomed.kill()
    serve()
    redis.zadd("poselift:webhooks", {job_id: 1})  # its lease ran out
    wait_for(lambda: state(ledger, job_id) is WebhookState.DELIVERED, PATIENCE_S)
    hanging.set()
    first, second = receiver.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == f"msg_{job_id}"
    assert first.body == second.body


def test_a_receiver_that_fails_is_tried_again(receiver, accept, end, ledger, serve, redis):
    receiver.replies = [status(503)]
    job_id = accept(receiver.url)
    serve()
    end(job_id)
    wait_for(lambda: ledger.get(job_id).webhook.last_status == 503, PATIENCE_S)
    due = ledger.get(job_id).webhook.next_attempt_at
    assert due is not None
    receiver.replies = [status(204)]
    redis.zadd("poselift:webhooks", {job_id: 1})  # it is time
    wait_for(lambda: state(ledger, job_id) is WebhookState.DELIVERED, PATIENCE_S)
    assert len(set(receiver.ids())) == 1


def test_two_servers_tell_once(receiver, accept, end, ledger, serve):
    serve(), serve()
    jobs = [accept(receiver.url) for _ in range(10)]
    for job_id in jobs:
        end(job_id)
    wait_for(
        lambda: all(state(ledger, job_id) is WebhookState.DELIVERED for job_id in jobs), PATIENCE_S
    )
    assert sorted(receiver.ids()) == sorted(f"msg_{job_id}" for job_id in jobs)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "2130706433", "[::ffff:127.0.0.1]"])
def test_our_own_network_is_out_of_reach(receiver, accept, end, ledger, serve, host):
    """Even of a job that was accepted under other rules."""
    job_id = accept(f"http://{host}:{receiver.port}/")
    end(job_id)
    serve(allow_private=False)
    wait_for(lambda: ledger.get(job_id).webhook.last_error is not None, PATIENCE_S)
    assert ledger.get(job_id).webhook.last_error == "address_refused"
    assert receiver.requests == []


def test_a_redirect_is_not_followed(receiver, accept, end, ledger, serve):
    with receiving() as secret_place:
        receiver.replies = [status(307, Location=secret_place.url)]
        job_id = accept(receiver.url)
        end(job_id)
        serve()
        wait_for(lambda: ledger.get(job_id).webhook.last_status == 307, PATIENCE_S)
        assert secret_place.requests == []


def test_a_url_into_our_network_is_refused_with_the_job(serve):
    with httpx.Client(base_url=serve(allow_private=False).url, timeout=60) as api:
        answer = api.post("/jobs?webhook_url=https://169.254.169.254/", content=b"x")
    assert (answer.status_code, answer.json()["code"]) == (422, "webhook_url_invalid")
