"""What an unfinished job has seen so far, for an attempt that goes on after an interruption."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from redis import Redis

from core.errors import AttemptSuperseded, StorageUnavailable
from core.store.blobs import BlobStore
from core.store.connection import store_errors
from core.store.keys import seen_index, seen_key
from core.store.ledger import Attempt

_OPEN = """
-- KEYS: job, index. ARGV: token, what it is made with, ttl. Nothing: the attempt is superseded.
if redis.call('HGET', KEYS[1], 'attempt') ~= ARGV[1]
  or redis.call('HGET', KEYS[1], 'state') ~= 'running' then return {} end
if redis.call('LINDEX', KEYS[2], 0) ~= ARGV[2] then
  redis.call('DEL', KEYS[2])
  redis.call('RPUSH', KEYS[2], ARGV[2])
end
redis.call('EXPIRE', KEYS[2], ARGV[3])
return redis.call('LRANGE', KEYS[2], 0, -1)
"""
_APPEND = """
-- KEYS: job, index. ARGV: token, number, entry, ttl, '1' if resumable, how often to forgive.
if redis.call('HGET', KEYS[1], 'attempt') ~= ARGV[1]
  or redis.call('HGET', KEYS[1], 'state') ~= 'running' then return 'superseded' end
local number = tonumber(ARGV[2])
if redis.call('LLEN', KEYS[2]) < number + 1 then return 'gap' end
-- What stands here or later is an earlier attempt's, or this very entry, sent twice.
redis.call('LTRIM', KEYS[2], 0, number)
redis.call('RPUSH', KEYS[2], ARGV[3])
redis.call('EXPIRE', KEYS[2], ARGV[4])
-- A job that gets farther than before does not fail because its workers were killed on the way.
if ARGV[5] == '1' and tonumber(redis.call('HGET', KEYS[1], 'losses') or '0') > 0
  and redis.call('HINCRBY', KEYS[1], 'forgiven', 1) <= tonumber(ARGV[6]) then
  redis.call('HSET', KEYS[1], 'losses', 0)
end
return 'ok'
"""

TIMES_FORGIVEN = 10
"""A job that takes down workers at ever new places must end, too."""


@dataclass(frozen=True)
class Section:
    """Used frames ``[start, stop)`` as one attempt saw them.

    Attributes:
        start: the first one.
        stop: behind the last one.
        token: of the attempt.
        resumable: another attempt may go on behind it.
        sha256: of its content.
    """

    start: int
    stop: int
    token: int
    resumable: bool
    sha256: str

    @classmethod
    def parse(cls, entry: bytes) -> "Section":
        start, stop, token, resumable, digest = entry.decode().split(":")
        return cls(int(start), int(stop), int(token), resumable == "1", digest)

    def __str__(self) -> str:
        return f"{self.start}:{self.stop}:{self.token}:{int(self.resumable)}:{self.sha256}"


class SeenFrames:
    """Sections of one job in order: bytes among the blobs, and a list of them in Redis.

    What the bytes mean is not known here (:mod:`core.results.observation_bytes` does). The list
    grows only at the hand of the attempt that holds the job, and names the attempt that wrote each
    section, so attempts never mix. It goes with the job's live frames
    (:meth:`core.store.live_frames.LiveFrames.drop`).

    Args:
        redis: where the list is kept.
        blobs: where the sections are kept.
        ttl_s: how long the list outlives its last entry.
    """

    def __init__(self, redis: Redis, blobs: BlobStore, *, ttl_s: float) -> None:
        self._redis: Any = redis  # its stubs mix awaitables in
        self._blobs = blobs
        self._ttl_s = max(1, int(ttl_s))

    def open(self, attempt: Attempt, made_with: str) -> list[Section]:
        """What earlier attempts left; forgotten if it was made with anything else.

        Raises:
            AttemptSuperseded: the job is no longer this attempt's.
        """
        with store_errors():
            reply: list[bytes] = self._redis.eval(
                _OPEN,
                2,
                f"poselift:job:{attempt.job_id}",
                seen_index(attempt.job_id),
                attempt.token,
                made_with,
                self._ttl_s,
            )
        if not reply:
            raise _superseded(attempt)
        return [Section.parse(entry) for entry in reply[1:]]

    def append(self, attempt: Attempt, number: int, section: Section, content: bytes) -> None:
        """Make a section the one of this number, and the last one.

        Raises:
            AttemptSuperseded: the job is no longer this attempt's.
            StorageUnavailable: the sections before it are gone.
            ResourceError: it cannot be kept just now.
        """
        key = seen_key(attempt.job_id, section.token, section.start)
        self._blobs.put_bytes(key, content)
        with store_errors():
            outcome: bytes = self._redis.eval(
                _APPEND,
                2,
                f"poselift:job:{attempt.job_id}",
                seen_index(attempt.job_id),
                attempt.token,
                number,
                str(section),
                self._ttl_s,
                int(section.resumable),
                TIMES_FORGIVEN,
            )
        if outcome == b"ok":
            return
        self._blobs.delete(key)
        if outcome == b"superseded":
            raise _superseded(attempt)
        raise StorageUnavailable("What was seen before is gone; what comes now cannot be kept.")

    def read(self, job_id: str, section: Section) -> bytes:
        """A section's content, exactly as it was written.

        Raises:
            BlobMissing: it is gone.
            StorageUnavailable: it is damaged.
        """
        content = b"".join(self._blobs.read(seen_key(job_id, section.token, section.start)))
        if sha256(content).hexdigest() != section.sha256:
            raise StorageUnavailable("What was seen before is damaged.")
        return content


def _superseded(attempt: Attempt) -> AttemptSuperseded:
    return AttemptSuperseded(f"Attempt {attempt.token} no longer holds job '{attempt.job_id}'.")
