"""What has expired or was deleted is gone, at its time and for good; who is downloading may end."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from redis import Redis

from core.contracts import JobState
from core.errors import StorageUnavailable
from core.store.disk_blobs import DiskBlobs
from core.store.expiry import remove_expired
from core.store.keys import result_key, upload_key
from core.store.ledger import JobLedger
from core.store.live_frames import LiveFrames
from tests.faults.serving import served, settings_for
from tests.server.clips import MP4, code
from tests.server.fake_worker import FakeWorker
from tests.waiting import wait_for

PRIVATE = "who-walks-here.mp4"


@pytest.fixture
def worker(redis: Redis, tmp_path: Path) -> FakeWorker:
    blobs = DiskBlobs(tmp_path / "blobs", reserve_bytes=0)
    ledger = JobLedger(redis, retention_s=600)
    return FakeWorker(ledger=ledger, blobs=blobs, frames=LiveFrames(redis, blobs, ttl_s=60))


@pytest.fixture
def api(redis_url: str, tmp_path: Path) -> Iterator[httpx.Client]:
    settings = settings_for(redis_url, tmp_path, sweep_every_s=0.05)
    with served(settings) as server, httpx.Client(base_url=server.url, timeout=60) as api:
        yield api


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def make_due(redis: Redis, job_id: str) -> None:
    """As if its time had passed."""
    redis.hset(f"poselift:job:{job_id}", "expires_at", "1.0")
    redis.zadd("poselift:expiry", {job_id: 1})


def done(api: httpx.Client, worker: FakeWorker, content: bytes = b"poses") -> str:
    job_id = api.post("/jobs", content=MP4, params={"filename": PRIVATE}).json()["id"]
    attempt = worker.claim(job_id)
    worker.frames.append(attempt, 0, 5, b"frames")
    worker.finish(attempt, content)
    return job_id


def test_everything_goes_at_its_time_without_any_worker(
    redis: Redis, redis_url: str, tmp_path: Path, worker: FakeWorker
) -> None:
    settings = settings_for(redis_url, tmp_path, sweep_every_s=0.05)
    worker.ledger = JobLedger(redis, retention_s=1.0)
    with served(settings) as server, httpx.Client(base_url=server.url, timeout=60) as api:
        job_id = done(api, worker)
        job = api.get(f"/jobs/{job_id}").json()
        expires_at = datetime.fromisoformat(job["expires_at"])
        kept_s = (expires_at - datetime.fromisoformat(job["finished_at"])).total_seconds()
        assert kept_s == pytest.approx(1.0, abs=1e-4)
        wait_for(lambda: files_in(tmp_path / "blobs") == [])
        assert datetime.now(UTC) >= expires_at  # not a moment earlier
        assert api.get(f"/jobs/{job_id}").json()["state"] == "expired"
        for part in ("result", "frames"):
            assert code(api.get(f"/jobs/{job_id}/{part}")) == (410, "result_expired")


def test_expired_means_gone_even_before_it_is_swept(
    redis: Redis, redis_url: str, tmp_path: Path, worker: FakeWorker
) -> None:
    settings = settings_for(redis_url, tmp_path, sweep_every_s=3600)
    with served(settings) as server, httpx.Client(base_url=server.url, timeout=60) as api:
        job_id = done(api, worker)
        make_due(redis, job_id)
        assert api.get(f"/jobs/{job_id}").json()["state"] == "expired"
        assert code(api.get(f"/jobs/{job_id}/result")) == (410, "result_expired")


KILLED_SWEEPER = """
import os, signal, sys
from pathlib import Path
from core.store.connection import connect
from core.store.disk_blobs import DiskBlobs
from core.store.expiry import remove_expired
from core.store.ledger import JobLedger
from core.store.live_frames import LiveFrames

class Killed(DiskBlobs):
    def delete_under(self, prefix):
        os.kill(os.getpid(), signal.SIGKILL)

with connect(sys.argv[1]) as redis:
    blobs = Killed(Path(sys.argv[2]))
    remove_expired(JobLedger(redis, retention_s=600), blobs, LiveFrames(redis, blobs, ttl_s=60))
"""


def test_what_a_killed_sweeper_left_is_removed_by_the_next(
    redis: Redis, redis_url: str, tmp_path: Path, worker: FakeWorker
) -> None:
    settings = settings_for(redis_url, tmp_path, sweep_every_s=3600)
    with served(settings) as server, httpx.Client(base_url=server.url, timeout=60) as api:
        jobs = [done(api, worker) for _ in range(3)]
    for job_id in jobs:
        make_due(redis, job_id)
    command = [sys.executable, "-c", KILLED_SWEEPER, redis_url, str(tmp_path / "blobs")]
    assert subprocess.run(command).returncode == -signal.SIGKILL
    assert not all(worker.blobs.exists(upload_key(job_id)) for job_id in jobs)
    assert all(worker.blobs.exists(result_key(job_id, 1)) for job_id in jobs)
    assert sorted(remove_expired(worker.ledger, worker.blobs, worker.frames)) == sorted(jobs)
    assert files_in(tmp_path / "blobs") == []
    assert remove_expired(worker.ledger, worker.blobs, worker.frames) == []


class OneFolderFails(DiskBlobs):
    def __init__(self, root: Path, failing: str) -> None:
        super().__init__(root, reserve_bytes=0)
        self.failing = failing

    def delete_under(self, prefix: str) -> None:
        if self.failing in prefix:
            raise StorageUnavailable("This folder cannot be written to.")
        super().delete_under(prefix)


def test_a_folder_that_fails_does_not_keep_the_others(
    api: httpx.Client, redis: Redis, tmp_path: Path, worker: FakeWorker
) -> None:
    ledger, blobs = worker.ledger, OneFolderFails(tmp_path / "other", "none yet")
    worker.blobs, worker.frames = blobs, LiveFrames(redis, blobs, ttl_s=60)
    jobs = [done(api, worker) for _ in range(3)]
    for job_id in jobs:
        redis.zadd("poselift:expiry", {job_id: "+inf"})  # the server's own sweeper lets them be
    blobs.failing = jobs[0]
    for number, job_id in enumerate(jobs):
        redis.zadd("poselift:expiry", {job_id: number + 1})
    removed = remove_expired(ledger, blobs, worker.frames)
    assert jobs[0] not in removed
    blobs.failing = "none any more"
    wait_for(lambda: ledger.ids(JobState.EXPIRED) == jobs)


def expire(api: httpx.Client, redis: Redis, job_id: str) -> None:
    make_due(redis, job_id)
    wait_for(lambda: redis.zscore("poselift:tombstones", job_id) is not None)
    assert code(api.get(f"/jobs/{job_id}/result")) == (410, "result_expired")


def delete(api: httpx.Client, redis: Redis, job_id: str) -> None:
    assert api.delete(f"/jobs/{job_id}").status_code == 204
    assert code(api.get(f"/jobs/{job_id}/result")) == (404, "job_not_found")


@pytest.mark.parametrize("end", [expire, delete])
def test_a_download_under_way_is_not_cut_off(
    api: httpx.Client,
    redis: Redis,
    tmp_path: Path,
    worker: FakeWorker,
    end: Callable[[httpx.Client, Redis, str], None],
) -> None:
    content = os.urandom(1 << 20) * 48  # more than all buffers on the way hold
    job_id = done(api, worker, content)
    with httpx.Client(base_url=api.base_url, timeout=60) as other:
        with other.stream("GET", f"/jobs/{job_id}/result") as answer:
            pieces = answer.iter_raw()
            hashed = sha256(next(pieces))
            end(api, redis, job_id)
            assert files_in(tmp_path / "blobs") == []  # it has no name any more
            for piece in pieces:
                hashed.update(piece)
        assert hashed.hexdigest() == sha256(content).hexdigest()


def test_deletion_is_real(
    api: httpx.Client, redis: Redis, tmp_path: Path, worker: FakeWorker
) -> None:
    job_id = done(api, worker)
    assert PRIVATE.encode() in everything(redis)
    assert len(files_in(tmp_path / "blobs")) == 3
    assert api.delete(f"/jobs/{job_id}").status_code == 204
    assert files_in(tmp_path) == []
    assert PRIVATE.encode() not in everything(redis)
    assert [name for name in redis.keys(f"*{job_id}*") if name.startswith(b"poselift")] == []
    assert code(api.get(f"/jobs/{job_id}")) == (404, "job_not_found")
    assert code(api.delete(f"/jobs/{job_id}")) == (404, "job_not_found")


def everything(redis: Redis) -> bytes:
    """All that Redis has in hashes and strings."""
    hashes = (redis.hgetall(name) for name in redis.keys("*") if redis.type(name) == b"hash")
    return b" ".join(value for fields in hashes for value in fields.values())
