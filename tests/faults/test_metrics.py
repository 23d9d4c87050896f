"""``/metrics`` is true for the whole deployment, whichever process answers, and after crashes."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from core.contracts import JobState
from core.store.connection import connect
from core.store.embedded import EmbeddedRedis
from core.store.ledger import JobLedger
from server.settings import ServerSettings
from tests.integration.stack import PATIENCE_S, ROOT, surroundings
from tests.server.clips import MP4
from tests.server.exposed import numbers, value
from tests.server.running import RunningServer
from tests.waiting import wait_for

NO_VIDEO = b"this is no video"


@pytest.fixture
def redis_of_its_own(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    """Other servers of this test run still count what they did for earlier tests."""
    with EmbeddedRedis(tmp_path / "redis") as server:
        yield server


@pytest.fixture
def settings(redis_of_its_own: EmbeddedRedis, tmp_path: Path) -> ServerSettings:
    return ServerSettings(
        redis_url=redis_of_its_own.url, data_dir=tmp_path / "data", disk_reserve_bytes=0
    )


@pytest.fixture
def two_servers(settings: ServerSettings) -> Iterator[list[httpx.Client]]:
    servers = [RunningServer(settings) for _ in range(2)]
    clients = [httpx.Client(base_url=server.url, timeout=60) for server in servers]
    yield clients
    for client, server in zip(clients, servers, strict=True):
        client.close()
        server.stop()


@pytest.fixture
def start_worker(
    settings: ServerSettings, tmp_path: Path
) -> Iterator[Callable[..., subprocess.Popen]]:
    processes: list[subprocess.Popen] = []

    def start(name: str) -> subprocess.Popen:
        environment = surroundings(
            POSELIFT_REDIS_URL=settings.redis_url,
            POSELIFT_DATA_DIR=settings.data_dir,
            POSELIFT_LEASE_S=120,
            FAKE_LOADED=tmp_path / "loaded",
        )
        with (tmp_path / f"{name}.log").open("wb") as log:
            command = [sys.executable, "-m", "tests.worker.fake_slot", name]
            processes.append(
                subprocess.Popen(
                    command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stderr=log
                )
            )
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.wait()


def upload(api: httpx.Client, content: bytes) -> str:
    answer = api.post("/jobs", content=MP4 + content)
    assert answer.status_code == 202, answer.text
    return answer.json()["id"]


def test_every_process_tells_the_numbers_of_all(two_servers: list[httpx.Client]) -> None:
    first, second = two_servers
    began_s = time.time()
    upload(first, b"")
    upload(second, b"")
    assert second.post("/jobs", content=NO_VIDEO).status_code == 415
    for api in (first, second):
        for job_id in ("feed", "f00d"):
            api.get(f"/jobs/{job_id}")
    first.get("/no/such/thing")
    first.request("PROPFIND", "/healthz")

    def has_come(api: httpx.Client) -> bool:
        return (
            value(
                numbers(api),
                "request_seconds_count",
                method="GET",
                route="/jobs/{job_id}",
                status="404",
            )
            == 4
        )  # by route, not by id

    for api in (first, second):
        wait_for(lambda api=api: has_come(api))
        found = numbers(api)
        assert value(found, "uploads_total") == 2
        assert value(found, "upload_bytes_total") == 2 * len(MP4)
        assert value(found, "uploads_refused_total", code="not_a_video") == 1
        assert value(found, "jobs_accepted_total") == 2
        assert value(found, "jobs", state="queued") == value(found, "queue_depth") == 2
        assert 0 < value(found, "queue_oldest_seconds") <= time.time() - began_s
        assert value(found, "storage_free_bytes") > 0
        labels = {"method": "POST", "route": "/jobs"}
        assert value(found, "request_seconds_count", **labels, status="202") == 2
        assert value(found, "request_seconds_bucket", **labels, status="202", le="+Inf") == 2
        assert value(found, "request_seconds_count", **labels, status="415") == 1
        assert value(found, "request_seconds_count", method="GET", route="none", status="404") == 1
        odd = {"method": "other", "route": "/healthz", "status": "405"}
        assert value(found, "request_seconds_count", **odd) == 1  # whatever a client makes up


def test_jobs_are_counted_once_however_their_workers_end(
    two_servers: list[httpx.Client], start_worker, settings: ServerSettings
) -> None:
    api, other = two_servers
    with connect(settings.redis_url) as redis:
        ledger = JobLedger(redis, retention_s=600)
        doomed = upload(api, b"endless")
        killed = start_worker("killed")
        wait_for(lambda: ledger.get(doomed).state is JobState.RUNNING, PATIENCE_S)
        found = numbers(other)
        assert value(found, "jobs", state="running") == 1
        killed.kill()
        killed.wait()
        redis.zadd("poselift:leases", {doomed: 1})  # as if its time had passed
        heir = start_worker("heir")
        wait_for(lambda: ledger.get(doomed).attempt == 2, PATIENCE_S)
        ledger.request_cancel(doomed)
        good = [upload(api, b"short") for _ in range(3)]
        wait_for(lambda: all(ledger.get(job).state.is_final for job in (*good, doomed)), PATIENCE_S)
        busy = upload(api, b"endless")
        wait_for(lambda: ledger.get(busy).state is JobState.RUNNING, PATIENCE_S)
        heir.send_signal(signal.SIGTERM)
        assert heir.wait(PATIENCE_S) == 0
    for asked in (api, other):
        found = numbers(asked)
        assert value(found, "jobs_accepted_total") == 5
        assert value(found, "job_attempts_total") == 6
        assert value(found, "jobs_reaped_total") == 1
        assert value(found, "jobs_handed_back_total") == 1
        assert value(found, "jobs_ended_total", state="succeeded") == 3
        assert value(found, "jobs_ended_total", state="canceled") == 1
        assert value(found, "jobs", state="queued") == 1
        # A worker that is killed forgets its last seconds; this one said good-bye.
        assert value(found, "frames_total") == 3 * 3
        assert value(found, "job_run_seconds_count", outcome="succeeded") == 3
        assert value(found, "job_run_seconds_count", outcome="handed_back") == 1
        assert value(found, "job_wait_seconds_count") >= 4
        assert value(found, "stage_seconds_total", stage="lifting") > 0
        assert value(found, "workers", queue="poselift", doing="idle") == 0
