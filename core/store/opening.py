"""Where a deployment keeps its files, said once for servers and workers."""

from enum import StrEnum
from pathlib import Path

from redis import Redis

from core.store.blobs import BlobStore
from core.store.disk_blobs import DiskBlobs
from core.store.redis_blobs import RedisBlobs


class ResultStore(StrEnum):
    """Where uploads and results are kept."""

    DISK = "disk"
    REDIS = "redis"


def open_blobs(
    store: ResultStore,
    *,
    data_dir: Path,
    redis: Redis,
    retention_s: float,
    reserve_bytes: int = 256 << 20,
) -> BlobStore:
    """The blobs of a deployment.

    Args:
        store: in ``data_dir`` or in Redis.
        data_dir: the folder that servers and workers share; unused for Redis.
        redis: the client; unused for the disk.
        retention_s: how long a finished job's files are kept. In Redis blobs end by themselves, but
            not before their job does, which may have waited.
        reserve_bytes: how much of the disk is left free for everybody else.
    """
    if store is ResultStore.REDIS:
        return RedisBlobs(redis, ttl_s=2 * retention_s)
    return DiskBlobs(data_dir / "blobs", reserve_bytes=reserve_bytes)
