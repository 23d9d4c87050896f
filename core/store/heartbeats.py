"""Which workers live, and what each is busy with, by their own word."""

from typing import Any

from pydantic import BaseModel, ConfigDict
from redis import Redis

from core.store.connection import store_errors

_ANNOUNCE = """
-- KEYS: when, what. ARGV: name, ttl, beat
local now = redis.call('TIME')[1]
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
"""
_ALIVE = """
-- KEYS: when, what
local now = redis.call('TIME')[1]
for _, name in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now)) do
  redis.call('HDEL', KEYS[2], name)
  redis.call('ZREM', KEYS[1], name)
end
return redis.call('HVALS', KEYS[2])
"""
_WHEN, _WHAT = "poselift:workers:until", "poselift:workers"


class WorkerBeat(BaseModel):
    """One sign of life."""

    model_config = ConfigDict(frozen=True)

    name: str
    queue: str
    device: str
    """Such as ``cpu`` or ``cuda:0``."""
    job_id: str | None = None
    """What it is busy with; None while it waits for work."""
    memory_bytes: dict[str, int] = {}
    """By kind: ``resident`` of the process; on a GPU also ``vram_allocated``, ``vram_reserved`` and
    ``vram_budget``."""


class Heartbeats:
    """Signs of life with an end, in Redis; thread-safe."""

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis  # its stubs mix awaitables in

    def announce(self, beat: WorkerBeat, *, ttl_s: int = 15) -> None:
        """Be known as alive for another while; call it at least three times as often."""
        with store_errors():
            content = beat.model_dump_json()
            self._redis.eval(_ANNOUNCE, 2, _WHEN, _WHAT, beat.name, ttl_s, content)

    def leave(self, name: str) -> None:
        """Say goodbye, rather than be missed."""
        with store_errors():
            self._redis.zrem(_WHEN, name)
            self._redis.hdel(_WHAT, name)

    def alive(self, queue: str | None = None) -> list[WorkerBeat]:
        """Living workers, of one queue or of all, by name."""
        with store_errors():
            beats = map(WorkerBeat.model_validate_json, self._redis.eval(_ALIVE, 2, _WHEN, _WHAT))
        found = (beat for beat in beats if queue in (None, beat.queue))
        return sorted(found, key=lambda beat: beat.name)
