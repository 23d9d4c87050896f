"""A worker with a fake runtime on a real Redis."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis

from core.contracts import LIFT_JOB, LIFT_QUEUE, JobOptions, JobState
from core.store.connection import connect
from core.store.disk_blobs import DiskBlobs
from core.store.keys import new_id, upload_key
from core.store.ledger import JobLedger
from core.store.leftovers import Leftovers
from core.store.live_frames import LiveFrames
from core.store.pose_exchange import PoseExchange
from core.store.seen_frames import SeenFrames
from tests.worker.fake_runtime import FakeRuntime
from worker.bench import Bench
from worker.heartbeat import Pace
from worker.message import open_queue, send
from worker.worker import LiftWorker


@pytest.fixture
def runtime() -> FakeRuntime:
    return FakeRuntime()


@pytest.fixture
def ledger(redis: Redis) -> JobLedger:
    return JobLedger(redis, retention_s=600.0)


@pytest.fixture
def blobs(tmp_path: Path) -> DiskBlobs:
    return DiskBlobs(tmp_path / "blobs")


@pytest.fixture
def bench(ledger, blobs, runtime, redis, tmp_path: Path) -> Bench:
    frames = LiveFrames(redis, blobs, ttl_s=60.0)
    return Bench(
        worker="tester",
        runtime=runtime,
        ledger=ledger,
        blobs=blobs,
        frames=frames,
        leftovers=Leftovers(redis, ledger, blobs, frames),
        seen=SeenFrames(redis, blobs, ttl_s=60.0),
        exchange=PoseExchange(redis),
        scratch=tmp_path / "scratch",
        pace=Pace(beat_s=0.05, lease_s=5.0, stuck_s=60.0),
        job_timeout_s=600.0,
        stall_timeout_s=600.0,
        max_failures=2,
    )


@pytest.fixture
def queue(redis: Redis):
    return open_queue(LIFT_QUEUE, redis)


@pytest.fixture
def submit(ledger: JobLedger, blobs: DiskBlobs, queue) -> Callable[..., str]:
    """Accept and queue a job the way the server does."""

    def submit(content: bytes = b"video", name: str = "clip.mp4") -> str:
        job_id = new_id()
        upload = blobs.put_bytes(upload_key(job_id), content)
        ledger.create(job_id=job_id, filename=name, options=JobOptions(), upload=upload)
        send(queue, job_id)
        ledger.sent(job_id)
        return job_id

    return submit


@pytest.fixture
def hire(redis_url: str, bench: Bench) -> Iterator[Callable[..., LiftWorker]]:
    """Makes workers; ``work(burst=True)`` handles what is queued."""
    from functools import partial

    from worker.jobs import lift

    clients: list[Redis] = []

    def hire(name: str = "tester", bench: Bench = bench) -> LiftWorker:
        clients.append(connect(redis_url, timeout_s=30.0))
        return LiftWorker(
            LIFT_QUEUE,
            functions={LIFT_JOB: partial(lift, bench=bench)},
            connection=clients[-1],
            name=name,
            hand_back=lambda queue, job_id: send(queue, job_id, at_front=True),
        )

    yield hire
    for client in clients:
        client.close()


@pytest.fixture
def state(ledger: JobLedger) -> Callable[[str], JobState]:
    return lambda job_id: ledger.get(job_id).state
