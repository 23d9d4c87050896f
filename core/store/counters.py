"""How often things happened, in the whole deployment and since its Redis began.

Transitions of jobs are counted by the ledger's own scripts, in the same step (``ledger_scripts``):
no crash can come between. Everything else is summed up in memory first and written every second or
so, so that counting costs a request nothing; a process that is killed loses its last second.

Numbers live in one hash. A field is a name and its labels, separated by spaces. Labels come from
small fixed sets, such as our error codes and routes; what users send is never one.
"""

import threading
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import uuid4

from redis import Redis

from core.store.connection import store_errors

COUNTERS_KEY = "poselift:counters"
MOST_FIELDS = 20_000
"""A guard against our own mistakes: beyond this, new combinations of labels are not counted."""
_WRITER_TTL_S = 86_400

REQUEST_BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
JOB_BOUNDS_S = (1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 10_800, 36_000)

_WRITE = """
-- KEYS: counters, writer. ARGV: number of the batch, most fields, ttl, then field, amount, ...
-- The same batch again is the client asking twice, because the first reply got lost.
if redis.call('GET', KEYS[2]) == ARGV[1] then return 0 end
for i = 4, #ARGV, 2 do
  if redis.call('HLEN', KEYS[1]) < tonumber(ARGV[2])
      or redis.call('HEXISTS', KEYS[1], ARGV[i]) == 1 then
    redis.call('HINCRBYFLOAT', KEYS[1], ARGV[i], ARGV[i + 1])
  end
end
redis.call('SET', KEYS[2], ARGV[1], 'EX', ARGV[3])
return 1
"""


class Count(StrEnum):
    """What is counted. The first group is counted by the ledger's scripts, by these names."""

    JOBS_ACCEPTED = "jobs_accepted"
    JOB_ATTEMPTS = "job_attempts"
    JOBS_ENDED = "jobs_ended"
    JOB_FAILURES = "job_failures"
    JOB_RETRIES = "job_retries"
    JOBS_HANDED_BACK = "jobs_handed_back"
    JOBS_REAPED = "jobs_reaped"

    JOBS_RESUMED = "jobs_resumed"
    JOB_WAIT_SECONDS = "job_wait_seconds"
    JOB_RUN_SECONDS = "job_run_seconds"
    STAGE_SECONDS = "stage_seconds"
    FRAMES = "frames"
    QUALITY_NOTES = "quality_notes"
    UPLOADS = "uploads"
    UPLOAD_BYTES = "upload_bytes"
    UPLOADS_REFUSED = "uploads_refused"
    REQUEST_SECONDS = "request_seconds"


@dataclass(frozen=True)
class Batch:
    """Amounts on their way to Redis; the number tells a repetition from the next one."""

    number: int
    amounts: dict[str, float]


class Tally:
    """Counts in memory until somebody writes them down; thread-safe, and never waits for Redis."""

    def __init__(self) -> None:
        self.writer = uuid4().hex
        self._lock = threading.Lock()
        self._amounts: defaultdict[str, float] = defaultdict(float)
        self._batch: Batch | None = None
        self._number = 0

    def add(self, what: Count, *labels: str, by: float = 1.0) -> None:
        """Count something that happened."""
        with self._lock:
            self._amounts[_field(what, *labels)] += by

    def observe(self, what: Count, *labels: str, seconds: float, bounds_s: Sequence[float]) -> None:
        """Count something that took a while, by how long.

        Args:
            what: of which there is a histogram.
            labels: of this one.
            seconds: how long it took.
            bounds_s: upper bounds of the buckets, always the same for ``what``; one without a
                bound comes after them.
        """
        place = bisect_left(bounds_s, seconds)
        bound = "+Inf" if place == len(bounds_s) else f"{bounds_s[place]:g}"
        with self._lock:
            self._amounts[_field(f"{what}_bucket", *labels, bound)] += 1
            self._amounts[_field(f"{what}_sum", *labels)] += seconds

    def batch(self) -> Batch | None:
        """What is to be written now, the same until it is confirmed; None if there is nothing."""
        with self._lock:
            if self._batch is None and self._amounts:
                self._number += 1
                self._batch = Batch(self._number, dict(self._amounts))
                self._amounts.clear()
            return self._batch

    def confirm(self, batch: Batch) -> None:
        """It has been written."""
        with self._lock:
            if self._batch is batch:
                self._batch = None


class Counters:
    """The deployment's counts in Redis; thread-safe."""

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis  # its stubs mix awaitables in
        self._writing = threading.Lock()

    def write(self, tally: Tally) -> None:
        """Add what was tallied, once, however often replies get lost.

        Raises:
            StoreUnavailable: it stays in the tally and comes with the next call.
        """
        with self._writing, store_errors():
            batch = tally.batch()
            if batch is None:
                return
            flat = [part for field, by in batch.amounts.items() for part in (field, f"{by!r}")]
            keys = COUNTERS_KEY, f"{COUNTERS_KEY}:writer:{tally.writer}"
            self._redis.eval(_WRITE, 2, *keys, batch.number, MOST_FIELDS, _WRITER_TTL_S, *flat)
            tally.confirm(batch)

    def read(self) -> dict[tuple[str, ...], float]:
        """Every count by its name and labels."""
        with store_errors():
            found = self._redis.hgetall(COUNTERS_KEY)
        return {tuple(field.decode().split(" ")): float(value) for field, value in found.items()}


def _field(*parts: str) -> str:
    return " ".join(parts)
