"""Taking a job away: its files first, then its record."""

from core.contracts import JobRecord, JobState
from core.errors import JobConflict
from core.store.expiry import remove_files
from core.store.keys import upload_key
from server.services import Services


def cancel_or_remove(services: Services, job_id: str) -> JobRecord | None:
    """Cancel a live job and return it as it stands then, or remove an ended one.

    Raises:
        JobNotFound: there is no such job.
    """
    record = services.ledger.get(job_id)
    if not record.state.is_final:
        try:
            record = services.ledger.request_cancel(job_id)
        except JobConflict:  # it ended at this very moment
            record = services.ledger.get(job_id)
        else:
            if record.state is JobState.CANCELED:
                services.blobs.delete(upload_key(job_id))
                services.frames.drop(job_id)  # of an attempt that was handed back
            return record
    # In this order a crash in between leaves a record to delete again, and no nameless files.
    remove_files(job_id, services.blobs, services.frames)
    services.ledger.delete(job_id)
    return None
