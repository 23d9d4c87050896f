"""Files of jobs that have ended, put in order: by whoever ended them, or else by the sweeper.

The ledger lists a job here in the very step that ends it, so that whoever dies before the files are
in order leaves something to be found.
"""

from typing import Any

from redis import Redis

from core.contracts import JobState
from core.errors import JobNotFound
from core.store.blobs import BlobStore
from core.store.connection import store_errors
from core.store.keys import upload_key
from core.store.ledger_reader import LedgerReader
from core.store.live_frames import LiveFrames

_KEY = "poselift:leftovers"


class Leftovers:
    """What ended jobs no longer need; thread-safe, and harmless when done twice.

    Args:
        redis: where the jobs are listed.
        ledger: knows how they ended.
        blobs: their files.
        frames: their live frames, and what they have seen.
    """

    def __init__(
        self, redis: Redis, ledger: LedgerReader, blobs: BlobStore, frames: LiveFrames
    ) -> None:
        self._redis: Any = redis  # its stubs mix awaitables in
        self._ledger = ledger
        self._blobs = blobs
        self._frames = frames

    def tidy(self, job_id: str) -> None:
        """Remove what the job no longer needs; a canceled one needs nothing."""
        try:
            state = self._ledger.get(job_id).state
        except JobNotFound:
            state = JobState.CANCELED
        if not state.is_final:
            return
        self._frames.drop(job_id)
        if state in (JobState.FAILED, JobState.CANCELED):
            self._blobs.delete_under(f"results/{job_id}")
        if state is JobState.CANCELED:
            self._blobs.delete(upload_key(job_id))
        with store_errors():
            self._redis.srem(_KEY, job_id)

    def tidy_all(self) -> None:
        """The same for every job that nobody has tidied up."""
        with store_errors():
            job_ids: set[bytes] = self._redis.smembers(_KEY)
        for job_id in job_ids:
            self.tidy(job_id.decode())
