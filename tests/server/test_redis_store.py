"""The same API with uploads and results in Redis, for machines that share no folder."""

import hashlib
from collections.abc import Callable

import httpx
import pytest
from redis import Redis

from core.store.keys import upload_key
from core.store.ledger import JobLedger
from core.store.live_frames import LiveFrames
from core.store.opening import ResultStore
from core.store.redis_blobs import RedisBlobs
from server.settings import ServerSettings
from tests.server.clips import code, of_size
from tests.server.fake_worker import FakeWorker
from tests.server.running import RunningServer
from tests.server.sending import stored

CLIP = of_size(2_500_000)


@pytest.fixture
def remote(redis: Redis) -> FakeWorker:
    blobs = RedisBlobs(redis, ttl_s=60.0)
    frames = LiveFrames(redis, blobs, ttl_s=60.0)
    return FakeWorker(JobLedger(redis, retention_s=600.0), blobs, frames)


def test_the_whole_way(
    serve: Callable[[ServerSettings], RunningServer],
    settings: ServerSettings,
    remote: FakeWorker,
    redis: Redis,
) -> None:
    server = serve(settings.model_copy(update={"result_store": ResultStore.REDIS}))
    with httpx.Client(base_url=server.url, timeout=60) as api:
        job_id = api.post("/jobs", content=CLIP).json()["id"]
        with remote.blobs.local_path(upload_key(job_id)) as path:
            assert path.read_bytes() == CLIP
        remote.succeed(job_id, CLIP[::-1])
        answer = api.get(f"/jobs/{job_id}/result")
        assert answer.content == CLIP[::-1]
        assert answer.headers["etag"] == f'"{hashlib.sha256(CLIP[::-1]).hexdigest()}"'
        part = api.get(f"/jobs/{job_id}/result", headers={"Range": "bytes=1048570-1048580"})
        assert part.content == CLIP[::-1][1048570:1048581]
        assert api.delete(f"/jobs/{job_id}").status_code == 204
        assert redis.keys("poselift:blob:*") == redis.keys("poselift:folder:*") == []
        assert stored(settings) == []


def test_redis_without_room(
    serve: Callable[[ServerSettings], RunningServer], settings: ServerSettings, redis: Redis
) -> None:
    server = serve(settings.model_copy(update={"result_store": ResultStore.REDIS}))
    redis.config_set("maxmemory", int(redis.info("memory")["used_memory"]) + (2 << 20))
    try:
        with httpx.Client(base_url=server.url, timeout=60) as api:
            assert code(api.post("/jobs", content=CLIP)) == (507, "storage_full")
            endless = (piece for piece in (CLIP[:2_000_000], CLIP[2_000_000:]))
            assert code(api.post("/jobs", content=endless)) == (507, "storage_full")
    finally:
        redis.config_set("maxmemory", 0)
    # The server writes its numbers every second, whatever it refuses.
    others = {key for kind in ("quota", "counters") for key in redis.keys(f"poselift:{kind}*")}
    assert set(redis.keys("poselift:*")) == others
