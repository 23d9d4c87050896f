"""How much of the service one client may take, counted in Redis so that servers share the count."""

import math
from dataclasses import dataclass
from typing import Any

from redis import Redis

from core.store.connection import store_errors

_TAKE = """
-- KEYS: bucket. ARGV: its size, how long an empty one takes to fill up in seconds
local t = redis.call('TIME')
local now = tonumber(t[1]) + tonumber(t[2]) / 1000000
local size, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local kept = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = size
if kept[1] then
  -- A clock that was set back must not empty the bucket.
  local passed = math.max(0, now - tonumber(kept[2]))
  tokens = math.min(size, tonumber(kept[1]) + passed * size / window)
end
local taken = 0
if tokens >= 1 then
  tokens, taken = tokens - 1, 1
end
redis.call('HSET', KEYS[1], 'tokens', string.format('%.6f', tokens),
  'at', string.format('%.6f', now))
redis.call('EXPIRE', KEYS[1], math.ceil(window) + 1)
return {taken, string.format('%.6f', tokens)}
"""


@dataclass(frozen=True)
class Allowance:
    """What is left after one use of a quota was asked for.

    Attributes:
        granted: whether this use was within the quota.
        size: uses a window, and how many may come at once.
        window_s: seconds.
        left: uses that may follow at once.
        full_in_s: until everything is left again if nothing more comes.
        next_in_s: until one more use is granted; 0 if that is now.
    """

    granted: bool
    size: int
    window_s: int
    left: int
    full_in_s: int
    next_in_s: int


class UploadQuota:
    """A token bucket per client: as many at once as a minute allows, then at that pace.

    Args:
        redis: where the buckets are.
        per_minute: uploads, 1 or more.
    """

    window_s = 60

    def __init__(self, redis: Redis, *, per_minute: int) -> None:
        self._redis: Any = redis  # its stubs mix awaitables in
        self._per_minute = per_minute

    def take(self, client: str) -> Allowance:
        """Ask for one upload.

        Args:
            client: whose bucket; ours to name, never what a client sent.

        Raises:
            StoreUnavailable: Redis is away.
        """
        size = self._per_minute
        with store_errors():
            taken, kept = self._redis.eval(
                _TAKE, 1, f"poselift:quota:uploads:{client}", size, self.window_s
            )
        tokens, pace = float(kept), size / self.window_s
        return Allowance(
            granted=taken == 1,
            size=size,
            window_s=self.window_s,
            left=math.floor(tokens),
            full_in_s=math.ceil((size - tokens) / pace),
            next_in_s=max(0, math.ceil((1 - tokens) / pace)),
        )
