"""A real server on a real port, and a worker that is not."""

import shutil
from collections.abc import Callable, Iterator

import httpx
import pytest
from redis import Redis

from core.contracts import LIFT_QUEUE
from core.store.disk_blobs import DiskBlobs
from core.store.embedded import EmbeddedRedis
from core.store.heartbeats import Heartbeats, WorkerBeat
from core.store.ledger import JobLedger
from core.store.live_frames import LiveFrames
from server.settings import ServerSettings
from tests.server.fake_worker import FakeWorker
from tests.server.running import RunningServer


@pytest.fixture(scope="session")
def usual_settings(
    redis_server: EmbeddedRedis, tmp_path_factory: pytest.TempPathFactory
) -> ServerSettings:
    return ServerSettings(
        redis_url=redis_server.url,
        data_dir=tmp_path_factory.mktemp("server") / "data",
        upload_limit_bytes=3 << 20,
        image_limit_bytes=100_000,
        disk_reserve_bytes=0,
        poses_wait_s=30.0,
        retention_s=600,
        max_poses=1,
    )


@pytest.fixture(scope="session")
def usual_server(usual_settings: ServerSettings) -> Iterator[RunningServer]:
    server = RunningServer(usual_settings)
    yield server
    server.stop()


@pytest.fixture
def settings(redis_url: str, usual_settings: ServerSettings) -> ServerSettings:
    """Settings of the usual server, with nothing in Redis and no file on the disk."""
    assert redis_url == usual_settings.redis_url
    shutil.rmtree(usual_settings.data_dir, ignore_errors=True)
    (usual_settings.data_dir / "blobs").mkdir(parents=True)
    return usual_settings


@pytest.fixture
def serve() -> Iterator[Callable[[ServerSettings], RunningServer]]:
    """Starts real servers on free ports."""
    running: list[RunningServer] = []

    def start(settings: ServerSettings) -> RunningServer:
        running.append(RunningServer(settings))
        return running[-1]

    yield start
    for server in running:
        server.stop()


@pytest.fixture
def url(usual_server: RunningServer, settings: ServerSettings) -> str:
    """Where the usual server listens; it starts once and is emptied before each test."""
    return usual_server.url


@pytest.fixture
def api(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, timeout=60) as client:
        yield client


@pytest.fixture
def blobs(settings: ServerSettings) -> DiskBlobs:
    return DiskBlobs(settings.data_dir / "blobs")


@pytest.fixture
def worker(redis: Redis, blobs: DiskBlobs, settings: ServerSettings) -> FakeWorker:
    return FakeWorker(
        ledger=JobLedger(redis, retention_s=settings.retention_s),
        blobs=blobs,
        frames=LiveFrames(redis, blobs, ttl_s=60.0),
    )


@pytest.fixture
def alive(redis: Redis) -> None:
    """A worker for videos says that it lives."""
    Heartbeats(redis).announce(WorkerBeat(name="w", queue=LIFT_QUEUE, device="cpu"))
