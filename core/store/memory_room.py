"""Room in Redis's memory, set aside for uploads before their bytes come."""

from typing import Any

from redis import Redis

from core.store.connection import store_errors

_KEEP = """
-- KEYS: bytes still to come by version, versions by when their writer counts as dead.
-- ARGV: version or '', bytes wanted, seconds. Returns whether there is room.
local now = tonumber(redis.call('TIME')[1])
for _, dead in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now)) do
  redis.call('HDEL', KEYS[1], dead)
  redis.call('ZREM', KEYS[2], dead)
end
local memory = redis.call('INFO', 'memory')
local limit = tonumber(string.match(memory, '\\nmaxmemory:(%d+)'))
local taken = tonumber(string.match(memory, '\\nused_memory:(%d+)'))
for _, bytes in ipairs(redis.call('HVALS', KEYS[1])) do
  taken = taken + math.max(0, tonumber(bytes)) * 1.05
end
if limit > 0 and taken + tonumber(ARGV[2]) * 1.05 >= limit then return 0 end
if ARGV[1] ~= '' then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
  redis.call('ZADD', KEYS[2], now + tonumber(ARGV[3]), ARGV[1])
end
return 1
"""
_USE = """
-- KEYS: as above. ARGV: version, bytes that have come, seconds
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return end
redis.call('HINCRBY', KEYS[1], ARGV[1], -tonumber(ARGV[2]))
redis.call('ZADD', KEYS[2], redis.call('TIME')[1] + tonumber(ARGV[3]), ARGV[1])
"""
_KEYS = ("poselift:room", "poselift:room:until")


class MemoryRoom:
    """What was promised to uploads under way, of all servers together.

    Args:
        redis: the client.
        ttl_s: what a writer that died had set aside is free again after this.
    """

    def __init__(self, redis: Redis, *, ttl_s: int) -> None:
        self._redis: Any = redis  # its stubs mix awaitables in
        self._ttl_s = ttl_s

    def has(self, size_bytes: int) -> bool:
        """Whether that much would fit beside all that was promised; 5 % are for bookkeeping."""
        return self.keep("", size_bytes)

    def keep(self, version: str, size_bytes: int) -> bool:
        """Set room aside for one upload, if there is as much."""
        with store_errors():
            return bool(self._redis.eval(_KEEP, 2, *_KEYS, version, size_bytes, self._ttl_s))

    def use(self, version: str, size_bytes: int) -> None:
        """So much of it has come."""
        with store_errors():
            self._redis.eval(_USE, 2, *_KEYS, version, size_bytes, self._ttl_s)

    def give_back(self, version: str) -> None:
        """The upload is stored, or was given up."""
        with store_errors():
            self._redis.hdel(_KEYS[0], version)
            self._redis.zrem(_KEYS[1], version)
