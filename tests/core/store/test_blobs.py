"""Both blob stores keep the same promises."""

import errno
import io
import os
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from core.errors import BlobMissing, StorageFull, StorageUnavailable, UploadTooLarge
from core.store.blobs import PIECE_BYTES, BlobStore
from core.store.disk_blobs import DiskBlobs, _DiskWriter
from core.store.redis_blobs import RedisBlobs

KEY = "uploads/feed"
THREE_PIECES = bytes(os.urandom(PIECE_BYTES)) * 2 + b"the rest"


def write(blobs: BlobStore, *pieces: bytes, limit_bytes: int | None = None) -> None:
    with blobs.open_writer(KEY, limit_bytes=limit_bytes) as writer:
        for piece in pieces:
            writer.write(piece)


def whole(blobs: BlobStore, key: str = KEY) -> bytes:
    return b"".join(blobs.read(key))


@pytest.mark.parametrize("content", [b"", b"x", THREE_PIECES[:PIECE_BYTES], THREE_PIECES])
def test_comes_back_as_written(blobs: BlobStore, content: bytes) -> None:
    with blobs.open_writer(KEY) as writer:
        for start in range(0, len(content), 700_001):
            writer.write(content[start : start + 700_001])
        assert not blobs.exists(KEY)  # nobody sees half a blob
    assert whole(blobs) == content
    assert writer.facts.size_bytes == len(content)
    assert writer.facts.sha256 == sha256(content).hexdigest()
    with blobs.local_path(KEY) as path:
        assert path.read_bytes() == content


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_ranges(blobs: BlobStore, data: st.DataObject) -> None:
    if not blobs.exists(KEY):
        blobs.put_bytes(KEY, THREE_PIECES)
    size = len(THREE_PIECES)
    edges = st.one_of(
        st.integers(0, size), st.sampled_from([0, PIECE_BYTES, 2 * PIECE_BYTES, size])
    )
    start, stop = sorted((data.draw(edges), data.draw(edges)))
    assert b"".join(blobs.read(KEY, start, stop)) == THREE_PIECES[start:stop]


def leave_midway(blobs: BlobStore) -> None:
    with blobs.open_writer(KEY) as writer:
        writer.write(THREE_PIECES)
        raise ZeroDivisionError


def test_failed_writer_leaves_nothing(blobs: BlobStore, tmp_path: Path, redis: Redis) -> None:
    with pytest.raises(ZeroDivisionError):
        leave_midway(blobs)
    assert not blobs.exists(KEY)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert redis.keys("*") == []


def test_stops_at_the_limit(blobs: BlobStore) -> None:
    with pytest.raises(UploadTooLarge, match="10 bytes"):
        write(blobs, b"0123456789", b"!", limit_bytes=10)
    assert not blobs.exists(KEY)
    write(blobs, b"01234", b"56789", limit_bytes=10)
    assert whole(blobs) == b"0123456789"


def test_replaced_whole_while_being_read(blobs: BlobStore) -> None:
    blobs.put_bytes(KEY, THREE_PIECES)
    reading = blobs.read(KEY)
    first = next(reading)
    blobs.put_bytes(KEY, b"newer")
    assert first + b"".join(reading) == THREE_PIECES
    assert whole(blobs) == b"newer"


def test_delete_does_not_cut_off_a_download(blobs: BlobStore) -> None:
    blobs.put_bytes(KEY, THREE_PIECES)
    reading = blobs.read(KEY)
    first = next(reading)
    blobs.delete(KEY)
    assert first + b"".join(reading) == THREE_PIECES
    assert not blobs.exists(KEY)
    blobs.delete(KEY)


def test_missing_blob(blobs: BlobStore) -> None:
    assert not blobs.exists(KEY)
    with pytest.raises(BlobMissing):
        blobs.read(KEY)
    with pytest.raises(BlobMissing), blobs.local_path(KEY):
        pass


def test_delete_under_takes_one_jobs_files(blobs: BlobStore, redis: Redis) -> None:
    for key in ("results/ab/1", "results/ab/2", "results/abc/1"):
        blobs.put_bytes(key, b"x")
    blobs.delete_under("results/ab")
    blobs.delete_under("results/ab")
    assert [blobs.exists(f"results/{key}") for key in ("ab/1", "ab/2", "abc/1")] == [0, 0, 1]
    assert not redis.exists("poselift:folder:results/ab")


def test_finished_file_is_taken_over(blobs: BlobStore, tmp_path: Path) -> None:
    spooled = tmp_path / "spooled.npz"
    spooled.write_bytes(THREE_PIECES)
    facts = blobs.put_file(KEY, spooled)
    assert facts.sha256 == sha256(THREE_PIECES).hexdigest()
    assert whole(blobs) == THREE_PIECES


class FullFile(io.FileIO):
    """A file on a disk that takes no more."""

    def __init__(self, kind: int) -> None:
        super().__init__(os.devnull, "wb")
        self.kind = kind

    def write(self, piece: bytes) -> int:
        raise OSError(self.kind, os.strerror(self.kind))


@pytest.mark.parametrize(
    ("kind", "error"),
    [(errno.ENOSPC, StorageFull), (errno.EDQUOT, StorageFull), (errno.EROFS, StorageUnavailable)],
)
def test_disk_that_takes_no_more(kind: int, error: type[Exception]) -> None:
    with FullFile(kind) as file, pytest.raises(error):
        _DiskWriter(file, None).write(b"x")


def test_disk_keeps_a_reserve(tmp_path: Path) -> None:
    assert DiskBlobs(tmp_path, reserve_bytes=0).has_room(1)
    assert not DiskBlobs(tmp_path, reserve_bytes=0).has_room(1 << 60)
    assert not DiskBlobs(tmp_path, reserve_bytes=1 << 60).has_room(1)


def test_what_dead_writers_left_is_swept(tmp_path: Path) -> None:
    blobs = DiskBlobs(tmp_path)
    left = tmp_path / "partial" / "left"
    left.parent.mkdir()
    left.write_bytes(b"x")
    os.utime(left, (0, 0))
    with blobs.open_writer(KEY):
        assert blobs.sweep_partial(3600.0) == 1
    assert not left.exists()
    assert blobs.exists(KEY)


def test_memory_limit_of_redis(redis: Redis) -> None:
    blobs = RedisBlobs(redis, ttl_s=60.0)
    redis.config_set("maxmemory", 8 << 20)
    try:
        assert blobs.has_room(1 << 20)
        assert not blobs.has_room(100 << 20)
        with pytest.raises(StorageFull):
            write(blobs, *[THREE_PIECES[:PIECE_BYTES]] * 20)
        assert redis.keys("*") == []
    finally:
        redis.config_set("maxmemory", 0)


def test_redis_blobs_expire(redis: Redis) -> None:
    RedisBlobs(redis, ttl_s=60.0).put_bytes(KEY, b"x")
    assert all(0 < redis.ttl(name) <= 60 for name in redis.keys("*"))
