"""Ended jobs whose time is up: their files go, their record stays a while to say so."""

import logging

from core.errors import StorageUnavailable
from core.event_log.events import log_event
from core.store.blobs import BlobStore
from core.store.keys import upload_key
from core.store.ledger import JobLedger
from core.store.live_frames import LiveFrames

log = logging.getLogger(__name__)


def remove_files(job_id: str, blobs: BlobStore, frames: LiveFrames) -> None:
    """Remove every file of a job; whatever is gone already is as good."""
    blobs.delete(upload_key(job_id))
    blobs.delete_under(f"results/{job_id}")
    frames.drop(job_id)


def remove_expired(ledger: JobLedger, blobs: BlobStore, frames: LiveFrames) -> list[str]:
    """Remove the files of jobs past ``expires_at``; any number of processes may do so at once.

    A job is offered until its files are gone for certain: whoever dies on the way, or meets a
    folder that cannot be written to, leaves it to the next round, and the other jobs go on.

    Returns:
        The jobs whose files are gone now.
    """
    removed: list[str] = []
    for job_id in ledger.expire_due():
        try:
            remove_files(job_id, blobs, frames)
        except StorageUnavailable as error:
            log.warning("job=%s has expired, but its files cannot be removed: %s", job_id, error)
            continue
        ledger.confirm_expired(job_id)
        removed.append(job_id)
        log_event(log, "job_expired", job_id=job_id)
    return removed
