"""Whether Redis would take a job now: a write and a read, with the time they took."""

import time
from dataclasses import dataclass
from typing import Any

from redis import Redis

from core.store.connection import store_errors

_KEY = "poselift:probe"
_TTL_S = 60


@dataclass(frozen=True)
class StoreVitals:
    """How Redis is.

    Attributes:
        reply_s: for a write.
        used_bytes: of its memory.
        limit_bytes: beyond which it refuses writes; None if it has no limit.
    """

    reply_s: float
    used_bytes: int
    limit_bytes: int | None

    @property
    def fullness(self) -> float:
        """Share of its memory that is used, in [0, 1]; 0 without a limit."""
        return self.used_bytes / self.limit_bytes if self.limit_bytes else 0.0


class StoreProbe:
    """Asks Redis; thread-safe."""

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis  # its stubs mix awaitables in

    def vitals(self) -> StoreVitals:
        """Write something small.

        Raises:
            StoreUnavailable: Redis is away, or takes no writes: it is full, read-only, or cannot
                save to its disk.
        """
        with store_errors():
            began_s = time.perf_counter()
            self._redis.set(_KEY, "1", ex=_TTL_S)
            reply_s = time.perf_counter() - began_s
            memory = self._redis.info("memory")
        return StoreVitals(reply_s, int(memory["used_memory"]), int(memory["maxmemory"]) or None)
