"""Slow, stalled and far too many uploads: each ends by itself, and polling does not notice."""

import shutil
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from core.store.disk_blobs import DiskBlobs
from core.store.embedded import EmbeddedRedis
from server.app import create_app
from server.connections import PatientProtocol
from tests.faults.serving import (
    ServerProcess,
    Wire,
    partials_in,
    served,
    settings_for,
    uploads_in,
)
from tests.server.clips import MP4, code
from tests.server.running import RunningServer
from tests.server.sending import send
from tests.waiting import wait_for

MANY, PATIENCE_S = 500, 120.0


@pytest.mark.parametrize("in_chunks", [False, True])
def test_a_stalled_upload_is_a_408_and_leaves_nothing(
    redis_url: str, tmp_path: Path, in_chunks: bool
) -> None:
    settings = settings_for(redis_url, tmp_path, upload_stall_s=0.2)
    with served(settings) as server, Wire(server.url) as wire:
        wire.begin(None if in_chunks else 1_000_000, MP4)
        status, problem, headers = wire.answer()
        assert (status, problem["code"], problem["retriable"]) == (408, "upload_too_slow", True)
        assert headers.headers["connection"] == "close"
        wait_for(lambda: partials_in(tmp_path) == [])
        assert uploads_in(tmp_path) == []


def test_an_upload_that_drips_is_a_408(redis_url: str, tmp_path: Path) -> None:
    """Never silent for long, but never getting anywhere, either."""
    settings = settings_for(redis_url, tmp_path, upload_stall_s=0.5, upload_min_bytes_per_s=1e6)
    with served(settings) as server, Wire(server.url) as wire:
        wire.begin(50_000_000)
        ended = threading.Event()

        def drip() -> None:
            while not ended.wait(0.02):
                with suppress(OSError):
                    wire.send(b"x")

        dripping = threading.Thread(target=drip)
        dripping.start()
        status, problem, _ = wire.answer()
        ended.set()
        dripping.join()
        assert (status, problem["code"]) == (408, "upload_too_slow")
        wait_for(lambda: partials_in(tmp_path) == [])


class HastyProtocol(PatientProtocol):
    """Patient until a test says otherwise, with those who mean well."""

    head_s = 300.0


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    return lambda head_s: monkeypatch.setattr(HastyProtocol, "head_s", head_s)


@pytest.mark.parametrize("said", [b"", b"POST /jobs HT", b"POST /jobs HTTP/1.1\r\nHost: a\r\nX-"])
def test_headers_that_do_not_come_are_a_408(
    redis_url: str, tmp_path: Path, said: bytes, hasty: Callable[[float], None]
) -> None:
    server = RunningServer(settings_for(redis_url, tmp_path), protocol=HastyProtocol)
    hasty(0.2)
    try:
        with Wire(server.url) as wire:
            wire.send(said)
            status, problem, _ = wire.answer()
            assert (status, problem["code"]) == (408, "request_timeout")
            assert wire.socket.recv(1) == b""
        hasty(300.0)
        with httpx.Client(base_url=server.url, timeout=60) as api:  # a quick one is served as ever
            assert send(api).status_code == 202
    finally:
        server.stop()


def test_a_second_request_on_a_kept_connection_must_come_in_time_too(
    redis_url: str, tmp_path: Path, hasty: Callable[[float], None]
) -> None:
    server = RunningServer(settings_for(redis_url, tmp_path), protocol=HastyProtocol)
    try:
        with Wire(server.url) as wire:
            wire.send(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert wire.answer()[0] == 200
            hasty(0.2)
            wire.send(b"GET /healthz HTTP/1.1\r\nHo")
            assert wire.answer()[0] == 408
    finally:
        server.stop()


def test_one_too_many_is_sent_away_and_may_come_back(redis_url: str, tmp_path: Path) -> None:
    settings = settings_for(redis_url, tmp_path, max_uploads=2)
    with served(settings) as server, httpx.Client(base_url=server.url, timeout=60) as api:
        with Wire(server.url).begin(10_000), Wire(server.url).begin(10_000):
            wait_for(lambda: len(partials_in(tmp_path)) == 2)
            refused = send(api)
            assert code(refused) == (503, "server_busy")
            assert int(refused.headers["retry-after"]) > 0
            assert api.get("/jobs").status_code == 200
        wait_for(lambda: partials_in(tmp_path) == [])
        wait_for(lambda: send(api).status_code == 202)


@pytest.fixture(scope="module")
def process(
    redis_server: EmbeddedRedis, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("server")
    # Uploads may be silent for as long as a busy machine takes to begin all of them.
    patience = {"POSELIFT_UPLOAD_STALL_S": 600, "POSELIFT_UPLOAD_MIN_BYTES_PER_S": 1}
    with ServerProcess(folder, redis_server.url, POSELIFT_MAX_UPLOADS=MANY, **patience) as process:
        yield process


def test_hundreds_of_slow_uploads_do_not_keep_others_from_polling(
    process: ServerProcess, redis_url: str
) -> None:
    shutil.rmtree(process.data_dir / "blobs", ignore_errors=True)
    with httpx.Client(base_url=process.url, timeout=60) as api, ExitStack() as stack:
        job_id = send(api).json()["id"]
        wires: list[Wire] = []
        while len(wires) < MANY:  # not so many at a time that some would be sent away
            more = (Wire(process.url).begin(1 << 20) for _ in range(50))
            wires.extend(map(stack.enter_context, more))
            wait_for(lambda: len(partials_in(process.data_dir)) == len(wires), PATIENCE_S)
        assert code(send(api)) == (503, "server_busy")
        for wire in wires:
            wire.send(bytes(1000))
        for _ in range(50):
            assert api.get(f"/jobs/{job_id}").json()["state"] == "queued"
        for wire in wires[:20]:  # those that hurry up are accepted
            wire.send(bytes((1 << 20) - 1100))
        assert [wire.answer()[0] for wire in wires[:20]] == [202] * 20
        stack.close()
        wait_for(lambda: partials_in(process.data_dir) == [], PATIENCE_S)
        assert len(uploads_in(process.data_dir)) == 21


class StuckBlobs(DiskBlobs):
    """A disk on which nothing moves until it is let go; writers wait, as they do for a real one."""

    def __init__(self, root: Path, moving: threading.Event) -> None:
        super().__init__(root, reserve_bytes=0)
        self._moving = moving

    def has_room(self, size_bytes: int) -> bool:
        self._moving.wait()
        return super().has_room(size_bytes)


def test_a_disk_that_hangs_stops_uploads_alone(redis_url: str, tmp_path: Path) -> None:
    """More uploads than there are threads for files wait for it; polls need none of those."""
    moving = threading.Event()
    settings = settings_for(redis_url, tmp_path)
    app = create_app(settings)
    usual = app.router.lifespan_context

    @asynccontextmanager
    async def stuck(app: FastAPI) -> AsyncIterator[dict[str, object]]:
        async with usual(app) as state:
            blobs = StuckBlobs(tmp_path / "blobs", moving)
            yield {"services": replace(state["services"], blobs=blobs)}

    app.router.lifespan_context = stuck
    server = RunningServer(settings, app=app)
    try:
        with ExitStack() as stack:
            stack.callback(moving.set)
            api = stack.enter_context(httpx.Client(base_url=server.url, timeout=60))
            wires = [stack.enter_context(Wire(server.url)) for _ in range(40)]
            for wire in wires:
                wire.begin(len(MP4), MP4)
            wait_for(lambda: partials_in(tmp_path) != [])
            for _ in range(20):
                assert api.get("/jobs").json()["jobs"] == []
            assert api.get("/jobs/feed").status_code == 404
            moving.set()
            assert [wire.answer()[0] for wire in wires] == [202] * len(wires)
    finally:
        moving.set()
        server.stop()
