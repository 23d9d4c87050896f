"""A real server, and a worker in a thread that answers by what the upload says."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from core.contracts import JobState
from core.errors import VideoTruncated
from core.store.disk_blobs import DiskBlobs
from core.store.keys import upload_key
from core.store.ledger import JobLedger
from core.store.live_frames import LiveFrames
from server.settings import ServerSettings
from tests.server.clips import MP4
from tests.server.fake_worker import FakeWorker
from tests.server.running import RunningServer

BROKEN = MP4 + b"broken"
ENDLESS = MP4 + b"endless"


@pytest.fixture
def settings(redis_url: str, tmp_path: Path) -> ServerSettings:
    return ServerSettings(
        redis_url=redis_url,
        data_dir=tmp_path / "data",
        disk_reserve_bytes=0,
        upload_limit_bytes=1 << 20,
    )


@pytest.fixture
def server(settings: ServerSettings) -> Iterator[RunningServer]:
    running = RunningServer(settings)
    yield running
    running.stop()


@pytest.fixture
def ledger(redis: Redis) -> JobLedger:
    return JobLedger(redis, retention_s=600.0)


@pytest.fixture
def worker(redis: Redis, settings: ServerSettings, ledger: JobLedger) -> Iterator[FakeWorker]:
    """Takes every queued job: its result is its upload, unless that is broken or endless."""
    blobs = DiskBlobs(settings.data_dir / "blobs")
    fake = FakeWorker(ledger, blobs, LiveFrames(redis, blobs, ttl_s=60.0))
    ended = threading.Event()

    def work() -> None:
        while not ended.wait(0.02):
            for record in ledger.list(JobState.QUEUED)[0]:
                content = b"".join(blobs.read(upload_key(record.id)))
                if content == BROKEN:
                    fake.fail(record.id, VideoTruncated("The video ends in the middle."))
                elif content == ENDLESS:
                    fake.claim(record.id)
                else:
                    fake.succeed(record.id, content, persons=2)

    thread = threading.Thread(target=work)
    thread.start()
    yield fake
    ended.set()
    thread.join()
