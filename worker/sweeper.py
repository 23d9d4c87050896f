"""Regular upkeep: lost jobs go back to the queue, expired files go away."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue

from core.contracts import JobState
from core.errors import JobNotFound, LiftError, WorkerLost
from core.event_log.events import log_event
from core.store.blobs import BlobStore
from core.store.connection import store_errors
from core.store.expiry import remove_expired
from core.store.ledger import JobLedger
from core.store.leftovers import Leftovers
from core.store.live_frames import LiveFrames
from core.store.orphans import remove_orphans
from core.store.partial_files import PARTIAL_AGE_S
from worker.message import drop, send
from worker.scratch import sweep_scratch

log = logging.getLogger(__name__)

ORPHANS_EVERY_S = 3_600.0
"""Looking for files without a job asks about every old file."""


class Turn:
    """Whose turn it is to sweep: one worker's at a time, until it stops or dies.

    Args:
        redis: where the turn is kept.
        name: this worker's.
        hold_s: how long a turn outlives its holder.
    """

    _KEY = "poselift:sweeper"
    _TAKE = """
    local holder = redis.call('GET', KEYS[1])
    if holder and holder ~= ARGV[1] then return 0 end
    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
    return 1
    """
    _GIVE_UP = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"

    def __init__(self, redis: Redis, name: str, *, hold_s: float) -> None:
        self._redis: Any = redis  # its stubs mix awaitables in
        self._name = name
        self._hold_ms = int(1000 * hold_s)

    def take(self) -> bool:
        """Take or keep the turn; false while it is another's."""
        with store_errors():
            return bool(self._redis.eval(self._TAKE, 1, self._KEY, self._name, self._hold_ms))

    def give_up(self) -> None:
        with store_errors():
            self._redis.eval(self._GIVE_UP, 1, self._KEY, self._name)


class Sweeper:
    """Finds what was lost and removes what is due. Not thread-safe: one thread sweeps.

    RQ alone would notice a dead worker's job only after minutes, and a message that was taken from
    the queue by a process that died at that moment never.

    Args:
        ledger: the truth about jobs.
        queue: the RQ queue of lift jobs.
        blobs: where their files are.
        frames: where their finished frames are.
        scratch: where workers on this machine spool results.
        leftovers: what ended jobs no longer need.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        ledger: JobLedger,
        queue: Queue,
        blobs: BlobStore,
        frames: LiveFrames,
        *,
        scratch: Path,
        leftovers: Leftovers | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger = ledger
        self._queue = queue
        self._blobs = blobs
        self._frames = frames
        self._scratch = scratch
        self._leftovers = leftovers
        self._missing: frozenset[str] = frozenset()
        self._orphans_removed_at = clock()
        self._clock = clock

    def sweep(self) -> None:
        """One round of everything; what fails does not keep the rest from being done.

        Raises:
            LiftError: the first that failed, once all were tried.
        """
        failures: list[LiftError | RedisError | OSError] = []
        for step in (
            self._send_abandoned,
            self._send_forgotten,
            self._remove_expired,
            self._tidy_up,
            self._remove_orphans,
        ):
            try:
                step()
            except (LiftError, RedisError, OSError) as error:
                failures.append(error)
        if failures:
            raise failures[0]

    def _tidy_up(self) -> None:
        if self._leftovers is not None:
            self._leftovers.tidy_all()
        self._blobs.sweep_partial(PARTIAL_AGE_S)
        sweep_scratch(self._scratch)

    def _remove_orphans(self) -> None:
        if self._clock() - self._orphans_removed_at >= ORPHANS_EVERY_S:
            self._orphans_removed_at = self._clock()
            removed = remove_orphans(self._ledger, self._blobs)
            log.info("orphans looked for, removed=%d", removed)

    def _send_abandoned(self) -> None:
        running = frozenset(self._ledger.ids(JobState.RUNNING))
        due = self._ledger.abandoned()
        for job_id in due:
            # The others were accepted or put back, but nobody said that the queue has them.
            event = "job_reaped" if job_id in running else "job_queued_again"
            log_event(log, event, level=logging.WARNING, job_id=job_id)
            send(self._queue, job_id)
            self._ledger.sent(job_id)
        self._tell_given_up(running - frozenset(due))

    def _tell_given_up(self, were_running: frozenset[str]) -> None:
        """Jobs that took down one worker too many fail here, with no worker left to say so."""
        for job_id in were_running & frozenset(self._ledger.ids(JobState.FAILED)):
            with suppress(JobNotFound):
                error = self._ledger.get(job_id).error
                if error is not None and error.code == WorkerLost.code:
                    log_event(
                        log, "job_failed", level=logging.ERROR, job_id=job_id, code=error.code
                    )

    def _send_forgotten(self) -> None:
        """A queued job whose message was missing twice in a row is not on its way: it is lost."""
        waiting = {_text(job_id) for job_id in self._queue.get_job_ids()}
        missing = frozenset(self._ledger.ids(JobState.QUEUED)) - waiting
        for job_id in missing & self._missing:
            log_event(log, "job_queued_again", level=logging.WARNING, job_id=job_id)
            send(self._queue, job_id)
        self._missing = missing - self._missing

    def _remove_expired(self) -> None:
        for job_id in remove_expired(self._ledger, self._blobs, self._frames):
            drop(self._queue, job_id)


class SweeperThread:
    """Sweeps every so often while it is this worker's turn, as a context manager."""

    def __init__(self, sweeper: Sweeper, turn: Turn, *, every_s: float) -> None:
        self._sweeper = sweeper
        self._turn = turn
        self._every_s = every_s
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sweeper", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while True:
            try:
                if self._turn.take():
                    self._sweeper.sweep()
            except (LiftError, RedisError, OSError) as error:
                log.warning("upkeep put off: %s", error)
            except Exception:
                log.exception("upkeep failed; it goes on with the next round")
            if self._ended.wait(self._every_s):
                break
        with suppress(LiftError):  # else it runs out by itself
            self._turn.give_up()


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
