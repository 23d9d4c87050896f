"""Looks at the ledger: one job, lists of them, and how many there are."""

from collections.abc import Sequence
from copy import copy
from typing import Any, Self

from redis import Redis

from core.contracts import JobRecord, JobState
from core.errors import JobNotFound
from core.store import ledger_scripts as scripts
from core.store.connection import store_errors
from core.store.keys import is_id
from core.store.record_fields import Fields, read_record

# `LedgerReader.list` hides the built-in name from the annotations after it.
Ids = list[str]
Records = list[JobRecord]


class LedgerReader:
    """What servers, workers and upkeep all may ask about jobs; thread-safe.

    Every method raises ``StoreUnavailable`` while Redis is away.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis  # its stubs mix awaitables in
        self._owner: str | None = None

    def owned_by(self, owner: str) -> Self:
        """The ledger in one owner's eyes: it makes and finds their jobs alone."""
        narrowed = copy(self)
        narrowed._owner = owner
        return narrowed

    def get(self, job_id: str) -> JobRecord:
        """The job as it stands now, in one round trip.

        Raises:
            JobNotFound: never existed, is another's, was deleted, or expired long ago.
        """
        return self.admit(self.several([job_id]).get(job_id))

    def several(self, job_ids: Sequence[str]) -> dict[str, JobRecord]:
        """Those of these jobs that there are, whoever owns them, in one round trip."""
        return {record.id: record for record in self._read([i for i in job_ids if is_id(i)])}

    def admit(self, record: JobRecord | None) -> JobRecord:
        """The record, if there is one and the owner may see it.

        Raises:
            JobNotFound: as for :meth:`get`.
        """
        if record is None or self._owner not in (None, record.owner):
            raise JobNotFound(
                "There is no job of this id. It may have been deleted, or have expired long ago."
            )
        return record

    def list(
        self, state: JobState | None = None, cursor: str | None = None, limit: int = 50
    ) -> tuple[Records, str | None]:
        """Jobs, newest first, and the cursor of the next page, if there is one.

        Args:
            state: only jobs in this state.
            cursor: what the last page returned; anything that is no number starts anew.
            limit: how many at most, 1 or more.
        """
        # In other scripts than ours a digit is decimal too, but Redis cannot read it.
        after = cursor if cursor and cursor.isascii() and cursor.isdecimal() else ""
        rows = self._run(scripts.LIST, state or "", after, limit + 1, self._owner or "")
        pairs = [(_text(rows[n]), int(float(rows[n + 1]))) for n in range(0, len(rows), 2)]
        more = str(pairs[limit - 1][1]) if len(pairs) > limit else None
        return self._read([job_id for job_id, _ in pairs[:limit]]), more

    def ids(self, state: JobState) -> Ids:
        """The ids of all jobs in a state, oldest first, whoever owns them.

        Cheap, where records would not be.
        """
        with store_errors():
            return [_text(job_id) for job_id in self._redis.zrange(_index(state), 0, -1)]

    def counts(self) -> dict[JobState, int]:
        """How many jobs are in each state, whoever owns them."""
        with store_errors():
            pipe = self._redis.pipeline(transaction=False)
            for state in JobState:
                pipe.zcard(_index(state))
            return dict(zip(JobState, map(int, pipe.execute()), strict=True))

    def longest_wait_s(self) -> float | None:
        """How long ago the oldest waiting job was accepted; None if none waits."""
        with store_errors():
            first = self._redis.zrange(_index(JobState.QUEUED), 0, 0)
            if not first:
                return None
            accepted_at = self._redis.hget(f"poselift:job:{_text(first[0])}", "created_at")
            seconds, microseconds = self._redis.time()
        now = seconds + microseconds / 1e6
        return None if accepted_at is None else max(0.0, now - float(accepted_at))

    def own_waiting(self) -> int:
        """How many of the owner's jobs wait; of all jobs where there is no owner."""
        index = f"poselift:owner:{self._owner}:queued" if self._owner else _index(JobState.QUEUED)
        with store_errors():
            return int(self._redis.zcard(index))

    def queue_position(self, job_id: str) -> int | None:
        """1 for the queued job that is next, None for a job that is not queued."""
        return self.get(job_id).progress.queue_position

    def _run(self, script: str, *args: str | int | float) -> Any:  # noqa: ANN401 - replies differ
        with store_errors():
            return self._redis.register_script(script)(args=args)

    def _read(self, job_ids: Ids) -> Records:
        if not job_ids:
            return []
        clock, *found = self._run(scripts.READ, *job_ids)
        rows = ((Fields.of_reply(fields), int(rank)) for fields, rank in found if fields)
        return [read_record(fields, rank, float(clock)) for fields, rank in rows]


def _index(state: JobState) -> str:
    return f"poselift:jobs:{state.value}"


def _text(value: bytes) -> str:
    return value.decode()
