"""From a stored upload to an accepted job; if it cannot become one, the upload goes."""

from contextlib import suppress

from core.contracts import JobRecord
from core.errors import LiftError, StoreUnavailable
from core.store.keys import upload_key
from server.request_bodies import Received
from server.services import Services


def make_job(
    services: Services, job_id: str, received: Received, *, may_be_repeated: bool
) -> JobRecord:
    """Enter the job into the ledger and hand it to the workers.

    Args:
        services: the app's.
        job_id: under which the upload is stored.
        received: what the client sent.
        may_be_repeated: whether the client can ask for this very job once more.

    Raises:
        LiftError: there is no such job, and there will be none.
    """
    try:
        record = _create(services, job_id, received)
    except StoreUnavailable:
        if not _was_made(services, job_id, may_be_repeated=may_be_repeated):
            raise
        record = services.ledger.get(job_id)
    except LiftError:
        with suppress(LiftError):  # else it is found as a file without a job
            services.blobs.delete(upload_key(job_id))
        raise
    try:
        services.transport.send_job(job_id)
        services.ledger.sent(job_id)
    except StoreUnavailable:
        pass  # the job is accepted; workers' upkeep finds and sends it once Redis is back
    return record


def _create(services: Services, job_id: str, received: Received) -> JobRecord:
    return services.ledger.create(
        job_id=job_id,
        filename=received.filename,
        options=received.options,
        upload=received.upload,
        max_queued=services.settings.max_queue,
        max_queued_own=services.settings.max_queue_per_key,
        webhook_url=received.webhook_url,
    )


def _was_made(services: Services, job_id: str, *, may_be_repeated: bool) -> bool:
    """Only the reply may have got lost. What is in doubt now is cleared up later."""
    try:
        return services.doubts.was_made(job_id)
    except LiftError:
        services.doubts.put_off(job_id, may_be_repeated=may_be_repeated)
        return False
