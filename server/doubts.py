"""Uploads whose job may or may not have come to be: Redis went away while it was being made."""

import threading

from core.errors import JobConflict, JobNotFound
from core.store.blobs import BlobStore
from core.store.keys import upload_key
from core.store.ledger import JobLedger


class Doubts:
    """Makes each of them one or the other: a job that is there, or nothing at all. Thread-safe.

    Args:
        ledger: knows which jobs there are.
        blobs: where the uploads are.
    """

    def __init__(self, ledger: JobLedger, blobs: BlobStore) -> None:
        self._ledger = ledger
        self._blobs = blobs
        self._open: dict[str, bool] = {}
        self._changing = threading.Lock()

    def was_made(self, job_id: str) -> bool:
        """Whether the job is there; if not, it never will be, and its upload is removed.

        Raises:
            StoreUnavailable: still not to be known.
            StorageUnavailable: it is not there, but its upload cannot be removed yet.
        """
        if self._ledger.was_created(job_id):
            return True
        self._blobs.delete(upload_key(job_id))
        return False

    def put_off(self, job_id: str, *, may_be_repeated: bool) -> None:
        """Clear it up later; the client was told that it failed.

        Args:
            job_id: of the job that was to be made.
            may_be_repeated: whether the client can ask for this very job once more. Then it stays
                if it is there. If not nobody knows of it, and it is canceled.
        """
        with self._changing:
            self._open[job_id] = may_be_repeated

    def settle(self) -> None:
        """Clear up all that can be.

        Raises:
            LiftError: one could not be; it stays open, and so do those after it.
        """
        with self._changing:
            pending = list(self._open.items())
        for job_id, may_be_repeated in pending:
            if self.was_made(job_id) and not may_be_repeated:
                self._cancel(job_id)
            with self._changing:
                self._open.pop(job_id, None)

    def _cancel(self, job_id: str) -> None:
        try:
            record = self._ledger.request_cancel(job_id)
        except (JobNotFound, JobConflict):  # it has even ended by now
            return
        if record.state.is_final:
            self._blobs.delete(upload_key(job_id))
