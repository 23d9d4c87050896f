"""Blobs inside Redis, for machines that share nothing else."""

import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from redis import Redis
from redis.exceptions import OutOfMemoryError

from core.contracts import BlobFacts
from core.errors import BlobMissing, StorageFull, StoreUnavailable
from core.store.blobs import PIECE_BYTES, BlobWriter, Pieces, no_room
from core.store.connection import store_errors
from core.store.disk_errors import disk_errors
from core.store.memory_room import MemoryRoom

_PARTIAL_TTL_S = 3600
"""Pieces of a writer that died vanish after this; a living one renews them as it goes."""


class RedisBlobs:
    """A :class:`core.store.blobs.BlobStore` in Redis: 1 MiB pieces, and one entry that names them.

    A new version gets pieces of its own and becomes visible by one write of the entry; ``read``
    follows the version it began with, which stays readable for a while after it was replaced. What
    one job has several of is listed in a set, so that removing it need not search all of Redis.

    Args:
        redis: the client; its server's memory limit is the limit here.
        ttl_s: how long a blob is kept if nobody deletes it first.
    """

    def __init__(self, redis: Redis, ttl_s: float) -> None:
        self._redis: Any = redis  # its stubs mix awaitables in
        self._ttl_s = max(1, int(ttl_s))
        self._room = MemoryRoom(redis, ttl_s=_PARTIAL_TTL_S)

    @contextmanager
    def open_writer(self, key: str, *, limit_bytes: int | None = None) -> Iterator[BlobWriter]:
        with self._written(key, _RedisWriter(self._redis, limit_bytes)) as writer:
            yield writer

    @contextmanager
    def open_upload(
        self, key: str, *, limit_bytes: int, announced_bytes: int
    ) -> Iterator[BlobWriter]:
        writer = _UploadWriter(self._redis, limit_bytes, self._room)
        if not self._room.keep(writer.version, announced_bytes):
            raise no_room()
        try:
            with self._written(key, writer):
                yield writer
        finally:
            with suppress(StoreUnavailable):  # else it runs out by itself
                self._room.give_back(writer.version)

    @contextmanager
    def _written(self, key: str, writer: "_RedisWriter") -> Iterator["_RedisWriter"]:
        try:
            yield writer
            writer.flush()
            self._publish(key, writer)
        except BaseException:
            writer.discard()
            raise

    def put_file(self, key: str, path: Path) -> BlobFacts:
        with self.open_writer(key) as writer, path.open("rb") as file:
            while piece := file.read(PIECE_BYTES):
                writer.write(piece)
        return writer.facts

    def put_bytes(self, key: str, content: bytes) -> BlobFacts:
        with self.open_writer(key) as writer:
            writer.write(content)
        return writer.facts

    def exists(self, key: str) -> bool:
        return self._entry(key) is not None

    def read(self, key: str, start: int = 0, stop: int | None = None) -> Pieces:
        entry = self._entry(key)
        if entry is None:
            raise BlobMissing(_GONE)
        size_bytes = int(entry["size_bytes"])
        return self._pieces(
            entry["version"], start, size_bytes if stop is None else min(stop, size_bytes)
        )

    @contextmanager
    def local_path(self, key: str) -> Iterator[Path]:
        pieces = self.read(key)
        with tempfile.NamedTemporaryFile(prefix="poselift-") as file:
            with disk_errors():
                for piece in pieces:
                    file.write(piece)
                file.flush()
            yield Path(file.name)

    def delete(self, key: str) -> None:
        with store_errors():
            entry = self._entry(key)
            self._redis.delete(_entry_key(key))
            self._redis.srem(_folder_key(key), key)
            if entry is not None:
                self._drop_pieces(entry)

    def delete_under(self, prefix: str) -> None:
        with store_errors():
            for key in self._redis.smembers(_folder_key(f"{prefix}/")):
                self.delete(key.decode())

    def keys_under(self, prefix: str, older_than_s: float) -> Iterator[str]:
        return iter(())  # their time to live ends them

    def has_room(self, size_bytes: int) -> bool:
        return self._room.has(size_bytes)

    def sweep_partial(self, older_than_s: float) -> int:
        return 0  # their time to live takes care of it

    def _entry(self, key: str) -> dict[str, str] | None:
        with store_errors():
            fields = self._redis.hgetall(_entry_key(key))
        return {name.decode(): value.decode() for name, value in fields.items()} or None

    def _publish(self, key: str, writer: "_RedisWriter") -> None:
        with _full_errors(), store_errors():
            replaced = self._entry(key)
            pipe = self._redis.pipeline(transaction=True)
            for number in range(_count(writer.facts.size_bytes)):
                pipe.expire(_piece_key(writer.version, number), self._ttl_s)
            pipe.hset(
                _entry_key(key),
                mapping={"version": writer.version, "size_bytes": writer.facts.size_bytes},
            )
            pipe.expire(_entry_key(key), self._ttl_s)
            if _is_one_of_several(key):
                pipe.sadd(_folder_key(key), key)
                pipe.expire(_folder_key(key), self._ttl_s)
            pipe.execute()
            if replaced is not None:
                self._drop_pieces(replaced)

    def _drop_pieces(self, entry: dict[str, str]) -> None:
        """Soon, not at once: a download under way is not cut off."""
        pipe = self._redis.pipeline(transaction=False)
        for number in range(_count(int(entry["size_bytes"]))):
            pipe.expire(_piece_key(entry["version"], number), _LINGER_S)
        pipe.execute()

    def _pieces(self, version: str, start: int, stop: int) -> Generator[bytes, None, None]:
        numbers = range(start // PIECE_BYTES, _count(stop)) if start < stop else ()
        for number in numbers:
            first = number * PIECE_BYTES
            with store_errors():
                piece: bytes = self._redis.getrange(
                    _piece_key(version, number),
                    max(start - first, 0),
                    min(stop - first, PIECE_BYTES) - 1,
                )
            if not piece:
                raise BlobMissing(_GONE)
            yield piece


class _RedisWriter(BlobWriter):
    def __init__(self, redis: Any, limit_bytes: int | None) -> None:  # noqa: ANN401
        super().__init__(limit_bytes)
        self.version = uuid4().hex
        self._redis = redis
        self._held = bytearray()
        self._count = 0
        self._renewed_at = time.monotonic()

    def _append(self, piece: bytes) -> None:
        self._held += piece
        while len(self._held) >= PIECE_BYTES:
            self._store(bytes(self._held[:PIECE_BYTES]))
            del self._held[:PIECE_BYTES]

    def flush(self) -> None:
        if self._held:
            self._store(bytes(self._held))
            self._held.clear()

    def discard(self) -> None:
        with suppress(StoreUnavailable), store_errors():  # else their time to live ends them
            for number in range(self._count):
                self._redis.unlink(_piece_key(self.version, number))

    def _store(self, piece: bytes) -> None:
        with _full_errors(), store_errors():
            self._redis.set(_piece_key(self.version, self._count), piece, ex=_PARTIAL_TTL_S)
            self._count += 1
            if time.monotonic() - self._renewed_at > _PARTIAL_TTL_S / 4:
                for number in range(self._count):
                    self._redis.expire(_piece_key(self.version, number), _PARTIAL_TTL_S)
                self._renewed_at = time.monotonic()


class _UploadWriter(_RedisWriter):
    def __init__(self, redis: Any, limit_bytes: int, room: MemoryRoom) -> None:  # noqa: ANN401
        super().__init__(redis, limit_bytes)
        self._room = room

    def _store(self, piece: bytes) -> None:
        super()._store(piece)
        self._room.use(self.version, len(piece))


_GONE = "The stored file is gone; it may have expired while the request was under way."
_LINGER_S = 600


@contextmanager
def _full_errors() -> Iterator[None]:
    """Redis out of memory means that this blob finds no room."""
    try:
        yield
    except StoreUnavailable as error:
        if isinstance(error.__cause__, OutOfMemoryError):
            raise StorageFull(
                "The store's memory is full. Try again once results have expired."
            ) from error
        raise


def _entry_key(key: str) -> str:
    return f"poselift:blob:{key}"


def _folder_key(key: str) -> str:
    return f"poselift:folder:{key.rpartition('/')[0]}"


def _is_one_of_several(key: str) -> bool:
    # ``results/JOB/TOKEN`` has a job's folder; ``uploads/JOB`` has none, and a set of all uploads
    # would grow for as long as Redis runs.
    return key.count("/") > 1


def _piece_key(version: str, number: int) -> str:
    return f"poselift:piece:{version}:{number}"


def _count(size_bytes: int) -> int:
    return -(-size_bytes // PIECE_BYTES)
