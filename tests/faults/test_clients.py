"""Clients that ask twice, vanish, come back, or meet a server that was killed."""

import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from redis import Redis

from core.contracts import JobState
from core.store.disk_blobs import DiskBlobs
from core.store.keys import upload_key
from core.store.ledger import JobLedger
from core.store.live_frames import LiveFrames
from tests.faults.cut_line import Break, CutLine
from tests.faults.serving import (
    ServerProcess,
    Wire,
    partials_in,
    served,
    settings_for,
    uploads_in,
)
from tests.integration.stack import Running
from tests.server.clips import MP4, code, of_size
from tests.server.fake_worker import FakeWorker
from tests.waiting import wait_for


@pytest.fixture
def api(redis_url: str, tmp_path: Path) -> Iterator[httpx.Client]:
    settings = settings_for(redis_url, tmp_path, idempotency_lease_s=2.0)
    with served(settings) as server, httpx.Client(base_url=server.url, timeout=60) as api:
        yield api


def worker_for(redis: Redis, folder: Path) -> FakeWorker:
    blobs = DiskBlobs(folder / "blobs", reserve_bytes=0)
    ledger = JobLedger(redis, retention_s=600)
    return FakeWorker(ledger=ledger, blobs=blobs, frames=LiveFrames(redis, blobs, ttl_s=60))


# --- Idempotency-Key -----------------------------------------------------------------------------

KEY = {"Idempotency-Key": "one"}


def test_the_same_request_is_the_same_job_and_another_is_refused(
    api: httpx.Client, tmp_path: Path
) -> None:
    first = api.post("/jobs", content=MP4, headers=KEY)
    again = api.post("/jobs", content=MP4, headers=KEY)
    assert first.status_code == again.status_code == 202
    assert first.json()["id"] == again.json()["id"]
    for other in ({"content": MP4 + b"x"}, {"content": MP4, "params": {"stride": "2"}}):
        refused = api.post("/jobs", headers=KEY, **other)
        assert code(refused) == (422, "idempotency_conflict")
    assert uploads_in(tmp_path) == [first.json()["id"]]


def test_a_slow_upload_keeps_its_key_for_as_long_as_it_takes(
    api: httpx.Client, redis: Redis, tmp_path: Path
) -> None:
    url = str(api.base_url)

    def left_ms() -> int:
        (lock,) = redis.keys("poselift:idempotency:*:lock")
        return redis.pttl(lock)

    with Wire(url).begin(len(MP4), MP4[:2000], Idempotency_Key="one") as slow:
        wait_for(lambda: partials_in(tmp_path) != [])
        for _ in range(5):  # five quarters of the lease, without a byte
            seen = left_ms()
            wait_for(lambda seen=seen: left_ms() < seen)
            seen = left_ms()
            wait_for(lambda seen=seen: left_ms() > seen)
        refused = api.post("/jobs", content=MP4, headers=KEY)
        assert code(refused) == (409, "idempotency_in_flight")
        assert int(refused.headers["retry-after"]) > 0
        slow.send(MP4[2000:])
        status, job, _ = slow.answer()
    assert status == 202
    assert api.post("/jobs", content=MP4, headers=KEY).json()["id"] == job["id"]
    assert uploads_in(tmp_path) == [job["id"]]


# --- Clients that vanish -------------------------------------------------------------------------


@pytest.mark.parametrize("in_chunks", [False, True])
def test_a_client_that_vanishes_leaves_nothing(
    api: httpx.Client, tmp_path: Path, in_chunks: bool
) -> None:
    with Wire(str(api.base_url)) as wire:
        wire.begin(None if in_chunks else 3_000_000, of_size(1_000_000), Idempotency_Key="one")
        wait_for(lambda: any(path.stat().st_size for path in partials_in(tmp_path)))
    wait_for(lambda: partials_in(tmp_path) == [])
    assert uploads_in(tmp_path) == []
    assert api.get("/jobs").json()["jobs"] == []
    wait_for(lambda: api.post("/jobs", content=MP4, headers=KEY).status_code == 202)


# --- Downloads that break ------------------------------------------------------------------------


def test_a_broken_download_goes_on_where_it_stopped(
    api: httpx.Client, redis: Redis, tmp_path: Path
) -> None:
    content = os.urandom(3_000_000)
    job_id = api.post("/jobs", content=MP4).json()["id"]
    worker_for(redis, tmp_path).succeed(job_id, content)
    result = f"/jobs/{job_id}/result"
    etag = api.head(result).headers["etag"]
    line = CutLine(str(api.base_url))
    line.expect(Break(False, lambda passed, piece: passed > 1_000_000))
    got = bytearray()
    with httpx.Client(base_url=line.url, timeout=60) as shaky:
        with suppress(httpx.TransportError), shaky.stream("GET", result) as answer:
            for piece in answer.iter_raw():
                got += piece
        assert 0 < len(got) < len(content)
        rest = {"Range": f"bytes={len(got)}-", "If-Range": etag}
        answer = shaky.get(result, headers=rest)
    line.close()
    assert answer.status_code == 206
    assert got + answer.content == content
    rest["If-Range"] = '"of another result"'
    assert api.get(result, headers=rest).content == content
    beyond = api.get(result, headers={"Range": f"bytes={len(content)}-"})
    assert code(beyond) == (416, "range_not_satisfiable")


# --- The real command, and a server that is killed ------------------------------------------------


def test_submit_loses_nothing_and_sends_nothing_twice_through_a_restart(
    redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    """The answer to the first video is lost; the server is killed -9 in the second; then both
    downloads break off."""
    small, large, poses = of_size(4000), of_size(6 << 20), os.urandom(2 << 20)
    (tmp_path / "1.mp4").write_bytes(small)
    (tmp_path / "2.mp4").write_bytes(large)
    with ServerProcess(tmp_path, redis_url, POSELIFT_IDEMPOTENCY_LEASE_S=1) as server:
        line = CutLine(server.url)
        line.expect(
            Break(False, lambda passed, piece: piece.startswith(b"HTTP/1.1 202")),
            Break(True, lambda passed, piece: passed > 3 << 20, then=server.kill),
            Break(False, lambda passed, piece: passed > 1 << 20),
            Break(False, lambda passed, piece: passed > 1 << 20),
        )
        submit = Running.start(
            tmp_path / "submit.log",
            *("submit", tmp_path / "1.mp4", tmp_path / "2.mp4", "--server", line.url),
            *("--uploads", 1, "--out", tmp_path / "out"),
        )
        worker, finished = worker_for(redis, server.data_dir), threading.Event()

        def work() -> None:
            while not finished.wait(0.05):
                for job_id in worker.ledger.ids(JobState.QUEUED):
                    worker.succeed(job_id, poses)

        working = threading.Thread(target=work)
        working.start()
        try:
            submit.wait_until(lambda: line.happened >= 2)
            server.start_again()
            assert submit.end() == 0, submit.said
        finally:
            finished.set()
            working.join()
            line.close()
        assert line.happened == 4
        jobs = worker.ledger.list()[0]
        kept = {b"".join(worker.blobs.read(upload_key(job.id))) for job in jobs}
        assert (len(jobs), kept) == (2, {small, large})
        results = [path.read_bytes() for path in (tmp_path / "out").glob("*.npz")]
        assert [sha256(result).hexdigest() for result in results] == [sha256(poses).hexdigest()] * 2
