"""Files that belong to no job: their job was never made, or its record is gone."""

from core.errors import JobNotFound
from core.store.blobs import BlobStore
from core.store.ledger_reader import LedgerReader

_KINDS = ("uploads", "results", "frames")


def remove_orphans(
    ledger: LedgerReader, blobs: BlobStore, *, older_than_s: float = 86_400.0
) -> int:
    """Remove files of unknown jobs; asks about every old file, so do it now and then only.

    Args:
        ledger: knows which jobs there are.
        blobs: the files.
        older_than_s: younger files may belong to a job that is being made just now.

    Returns:
        How many were removed.
    """
    removed = 0
    for kind in _KINDS:
        for key in blobs.keys_under(kind, older_than_s):
            job_id = key.split("/")[1]
            try:
                ledger.get(job_id)
            except JobNotFound:
                blobs.delete(key)
                removed += 1
    return removed
