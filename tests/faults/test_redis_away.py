"""Redis goes away: what was answered by 202 is there, of the rest nothing is, and all recovers."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import unquote

import httpx
import psutil
import pytest
from redis import Redis
from redis.exceptions import RedisError

from core.contracts import JobState
from core.store.connection import connect
from core.store.embedded import EmbeddedRedis
from core.store.ledger import JobLedger
from tests.faults.cut_wire import CutWire, Moment
from tests.faults.serving import Wire, partials_in, served, settings_for, uploads_in
from tests.server.clips import MP4, code
from tests.server.sending import send
from tests.waiting import wait_for


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A socket's path must be short."""
    with TemporaryDirectory() as folder:
        yield Path(folder)


def is_told_to_come_back(answer: httpx.Response) -> bool:
    return code(answer) == (503, "store_unavailable") and int(answer.headers["retry-after"]) > 0


# --- It is cut off in the middle of a request ---------------------------------------------------

REQUESTS = 12
"""An upload asks Redis at most so often; with a key or without."""


@pytest.fixture
def wire(short_folder: Path, redis_url: str) -> Iterator[CutWire]:
    wire = CutWire(short_folder, redis_url.removeprefix("unix://"))
    yield wire
    wire.close()


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("key", [None, "mine"])
def test_an_upload_is_accepted_or_leaves_nothing_wherever_the_connection_is_cut(
    wire: CutWire, redis: Redis, tmp_path: Path, moment: Moment, key: str | None
) -> None:
    ledger = JobLedger(redis, retention_s=600)
    headers = {} if key is None else {"Idempotency-Key": key}
    settings = settings_for(wire.url, tmp_path, idempotency_lease_s=1.0)

    def queued() -> list[str]:
        return sorted(ledger.ids(JobState.QUEUED))

    statuses = set()
    with served(settings) as server, httpx.Client(base_url=server.url, timeout=60) as api:
        for number in range(REQUESTS):
            redis.flushall()
            wire.cut_at(number, moment)
            answer = api.post("/jobs", content=MP4, headers=headers)
            wire.mend()
            statuses.add(answer.status_code)
            if answer.status_code == 202:
                assert queued() == uploads_in(tmp_path) == [answer.json()["id"]]
            else:
                assert is_told_to_come_back(answer)
                if key is None:
                    wait_for(lambda: queued() == uploads_in(tmp_path) == [], 30)
                else:  # the client asks again, as it was told
                    wait_for(lambda: api.post("/jobs", content=MP4, headers=headers).is_success, 30)
                    wait_for(lambda: len(queued()) == 1 and queued() == uploads_in(tmp_path), 30)
            assert partials_in(tmp_path) == []
            for job_id in uploads_in(tmp_path):
                assert api.delete(f"/jobs/{job_id}").status_code == 202
    assert statuses == {202, 503}


# --- It is there, but cannot serve --------------------------------------------------------------


@contextmanager
def busy(redis: Redis, wire: CutWire) -> Iterator[None]:
    usual_ms = redis.config_get("lua-time-limit")["lua-time-limit"]
    redis.config_set("lua-time-limit", 1)

    def loop() -> None:
        with connect(_url(redis), timeout_s=60) as other, suppress(RedisError):
            other.eval("while true do end", 0)

    script = threading.Thread(target=loop)
    script.start()
    wait_for(lambda: _complains(redis, "BUSY"))
    try:
        yield
    finally:
        redis.script_kill()
        script.join()
        # Our own scripts may take a while on a busy machine, in the tests that follow.
        redis.config_set("lua-time-limit", usual_ms)


@contextmanager
def out_of_memory(redis: Redis, wire: CutWire) -> Iterator[None]:
    redis.config_set("maxmemory", 1)
    try:
        yield
    finally:
        redis.config_set("maxmemory", 0)


@contextmanager
def read_only(redis: Redis, wire: CutWire) -> Iterator[None]:
    redis.replicaof("127.0.0.1", "1")  # nobody is there, so it keeps what it has
    try:
        yield
    finally:
        redis.replicaof("NO", "ONE")


@contextmanager
def loading(redis: Redis, wire: CutWire) -> Iterator[None]:
    """What a real one says while it reads a large file; that would take too long here."""
    wire.refuse(b"-LOADING Redis is loading the dataset in memory\r\n")
    try:
        yield
    finally:
        wire.mend()


def _url(redis: Redis) -> str:
    return f"unix://{redis.connection_pool.connection_kwargs['path']}"


def _complains(redis: Redis, word: str) -> bool:
    try:
        redis.get("anything")
    except RedisError as error:
        return word in str(error)
    return False


@pytest.mark.parametrize("trouble", [busy, out_of_memory, read_only, loading])
def test_a_redis_that_cannot_serve_is_a_503_and_recovers(
    wire: CutWire,
    redis: Redis,
    tmp_path: Path,
    trouble: Callable[[Redis, CutWire], AbstractContextManager[None]],
) -> None:
    settings = settings_for(wire.url, tmp_path)
    with served(settings) as server, httpx.Client(base_url=server.url, timeout=60) as api:
        before = send(api).json()["id"]
        with Wire(server.url).begin(len(MP4), MP4[:2000]) as under_way:
            wait_for(lambda: partials_in(tmp_path) != [])
            with trouble(redis, wire):
                assert is_told_to_come_back(send(api))
                under_way.send(MP4[2000:])
                status, problem, headers = under_way.answer()
                assert (status, problem["code"]) == (503, "store_unavailable")
                assert int(headers.headers["retry-after"]) > 0
                polled = api.get(f"/jobs/{before}")
                assert polled.status_code == 200 or is_told_to_come_back(polled)
        wait_for(lambda: send(api).status_code == 202, 30)
        assert api.get(f"/jobs/{before}").json()["state"] == "queued"
        jobs = {job["id"] for job in api.get("/jobs").json()["jobs"] if job["state"] == "queued"}
        wait_for(lambda: set(uploads_in(tmp_path)) == jobs)
        assert partials_in(tmp_path) == []


# --- It is killed and starts again --------------------------------------------------------------


def kill(server: EmbeddedRedis) -> None:
    assert server.pid is not None
    process = psutil.Process(server.pid)
    os.kill(server.pid, signal.SIGKILL)
    wait_for(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE)


def test_nothing_acknowledged_is_lost_by_a_restart(short_folder: Path, tmp_path: Path) -> None:
    folder = short_folder / "redis"
    with ExitStack() as stack:
        store = stack.enter_context(EmbeddedRedis(folder))
        settings = settings_for(store.url, tmp_path)
        server = stack.enter_context(served(settings))
        api = stack.enter_context(httpx.Client(base_url=server.url, timeout=60))
        accepted = [send(api).json()["id"] for _ in range(5)]
        # One upload is still coming while Redis dies, and is complete when it is back; another
        # one is complete while it is away.
        patient = stack.enter_context(Wire(server.url)).begin(len(MP4), MP4[:2000])
        unlucky = stack.enter_context(Wire(server.url)).begin(len(MP4), MP4[:2000])
        wait_for(lambda: len(partials_in(tmp_path)) == 2)
        kill(store)
        unlucky.send(MP4[2000:])
        assert unlucky.answer()[0] == 503
        assert is_told_to_come_back(send(api))
        assert is_told_to_come_back(api.get(f"/jobs/{accepted[0]}"))
        assert api.get("/healthz").status_code == 200
        again = stack.enter_context(EmbeddedRedis(folder))
        assert Path(unquote(again.url.removeprefix("unix://"))).exists()
        patient.send(MP4[2000:])
        status, job, _ = patient.answer()
        assert status == 202
        for job_id in [*accepted, job["id"]]:
            assert api.get(f"/jobs/{job_id}").json()["state"] == "queued"
        wait_for(lambda: uploads_in(tmp_path) == sorted([*accepted, job["id"]]))
        with connect(again.url) as redis:
            changed = threading.Thread(
                target=lambda: wait_for(lambda: redis.pubsub_numsub("poselift:changes")[0][1] == 1)
            )
            changed.start()
            changed.join()  # long polls are woken again


def test_what_202_promises_is_on_the_disk(short_folder: Path) -> None:
    """Redis answers only once its append-only file is written and synced."""
    with EmbeddedRedis(short_folder / "redis") as server, connect(server.url) as redis:
        assert redis.config_get("append*") == {"appendonly": "yes", "appendfsync": "always"} | {
            name: value
            for name, value in redis.config_get("append*").items()
            if name not in ("appendonly", "appendfsync")
        }
        assert redis.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
