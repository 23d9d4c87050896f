"""Finished frames of a job that still runs, so that clients need not wait for its end."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from redis import Redis

from core.errors import AttemptSuperseded, BlobMissing
from core.store.blobs import BlobStore
from core.store.connection import store_errors
from core.store.keys import frames_key, seen_index
from core.store.ledger import Attempt

_APPEND = """
-- KEYS: job, index. ARGV: token, start, entry, ttl
if redis.call('HGET', KEYS[1], 'attempt') ~= ARGV[1]
  or redis.call('HGET', KEYS[1], 'state') ~= 'running' then return 0 end
-- Chunks come in order, so whatever begins here or later is an earlier attempt's.
redis.call('ZREMRANGEBYSCORE', KEYS[2], ARGV[2], '+inf')
redis.call('ZADD', KEYS[2], ARGV[2], ARGV[3])
redis.call('EXPIRE', KEYS[2], ARGV[4])
return 1
"""
_FIND = """
-- KEYS: index. ARGV: start, stop. The entry that holds start, and those that begin before stop.
local first = redis.call('ZREVRANGEBYSCORE', KEYS[1], ARGV[1], '-inf', 'LIMIT', 0, 1)
local rest = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. ARGV[1], '(' .. ARGV[2])
for _, entry in ipairs(rest) do first[#first + 1] = entry end
return first
"""


@dataclass(frozen=True)
class Stretch:
    """Used frames ``[start, stop)`` as one attempt stored them."""

    start: int
    stop: int
    token: int

    @classmethod
    def parse(cls, entry: bytes) -> "Stretch":
        return cls(*map(int, entry.decode().split(":")))

    def __str__(self) -> str:
        return f"{self.start}:{self.stop}:{self.token}"


class LiveFrames:
    """Chunks of finished frames: bytes among the blobs, and a small index of them in Redis.

    What the bytes mean is not known here (:mod:`core.results.chunk_bytes` does). An entry is added
    only while its attempt holds the job, so attempts never mix, and a later one may go on where it
    ends.

    Args:
        redis: where the index is kept.
        blobs: where the chunks are kept, under ``frames/ID``.
        ttl_s: how long the index outlives its last chunk.
    """

    def __init__(self, redis: Redis, blobs: BlobStore, *, ttl_s: float) -> None:
        self._redis: Any = redis  # its stubs mix awaitables in
        self._blobs = blobs
        self._ttl_s = max(1, int(ttl_s))

    def append(self, attempt: Attempt, start_index: int, frames: int, content: bytes) -> None:
        """Show the next finished chunk to clients.

        Args:
            attempt: whose work it is.
            start_index: position of the chunk's first frame among the used frames.
            frames: how many it holds.
            content: the chunk, in the worker's format.

        Raises:
            AttemptSuperseded: the job is no longer this attempt's.
        """
        stretch = Stretch(start_index, start_index + frames, attempt.token)
        key = frames_key(attempt.job_id, attempt.token, start_index)
        self._blobs.put_bytes(key, content)
        with store_errors():
            added = self._redis.eval(
                _APPEND,
                2,
                f"poselift:job:{attempt.job_id}",
                _index(attempt.job_id),
                attempt.token,
                start_index,
                str(stretch),
                self._ttl_s,
            )
        if not added:
            self._blobs.delete(key)
            raise AttemptSuperseded(
                f"Attempt {attempt.token} no longer holds job '{attempt.job_id}'."
            )

    def read(self, job_id: str, start: int, stop: int) -> Iterator[tuple[Stretch, bytes]]:
        """Chunks that overlap used frames ``[start, stop)``, in order; they may reach beyond it."""
        with store_errors():
            entries: list[bytes] = self._redis.eval(_FIND, 1, _index(job_id), start, stop)
        for stretch in map(Stretch.parse, entries):
            if stretch.stop > start:
                try:
                    pieces = self._blobs.read(frames_key(job_id, stretch.token, stretch.start))
                    yield stretch, b"".join(pieces)
                except BlobMissing:  # the job ended meanwhile: the rest is in its result
                    return

    def stop_index(self, job_id: str) -> int:
        """How many used frames are there, from 0 on."""
        with store_errors():
            last: list[bytes] = self._redis.zrange(_index(job_id), -1, -1)
        return Stretch.parse(last[0]).stop if last else 0

    def drop(self, job_id: str) -> None:
        """Forget them, and all that was seen: the result is there, or the job is gone."""
        with store_errors():
            self._redis.delete(_index(job_id), seen_index(job_id))
        self._blobs.delete_under(f"frames/{job_id}")


def _index(job_id: str) -> str:
    return f"poselift:frames:{job_id}"
