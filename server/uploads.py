"""A request's video on its way to an accepted job: nothing is kept unless all of it is good."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import Request
from starlette.requests import ClientDisconnect

from core.contracts import JobRecord, JobState
from core.errors import (
    IdempotencyConflict,
    JobNotFound,
    QueueFull,
    RequestInvalid,
    StorageFull,
    StoreUnavailable,
    UploadIncomplete,
)
from core.store.blobs import too_large
from core.store.idempotency import HeldKey
from core.store.keys import new_id, upload_key
from server.lingering import expect_body
from server.multipart import is_multipart
from server.receiving import HashOnly, Receiver
from server.request_bodies import Received, receive
from server.services import Services

_FORM_OVERHEAD_BYTES = 1 << 20
"""What boundaries and fields may add to a file before the total alone is refused."""
_LONGEST_KEY = 255


@dataclass(frozen=True)
class Accepted:
    """The job a request led to; a replay led to one that was there before."""

    record: JobRecord
    is_replay: bool = False


async def accept(request: Request, services: Services, path_name: str | None = None) -> Accepted:
    """Receive the video of a request, store it, and make it a job.

    Args:
        request: multipart, or a raw body with options in the query.
        services: the app's.
        path_name: the file name at the end of the URL, as ``curl -T`` puts it there.

    Raises:
        LiftError: the upload or its options were refused; nothing of it is kept.
    """
    expect_body(request, unread=True)
    try:
        await services.looks.run(_refuse_early, request, services)
        async with _held_key(request, services) as held:
            if held is not None and held.claim.is_replay:
                return await _replay(request, services, path_name, held)
            return Accepted(await _receive_job(request, services, path_name, held))
    except ClientDisconnect:
        raise UploadIncomplete("The connection ended before the upload did.") from None


def _refuse_early(request: Request, services: Services) -> None:
    """What can be known before the upload, to spare it; all of it is made sure of later."""
    announced = request.headers.get("content-length", "")
    size_bytes = int(announced) if announced.isdecimal() else 0
    limit_bytes = services.settings.upload_limit_bytes
    if size_bytes > limit_bytes + (_FORM_OVERHEAD_BYTES if is_multipart(request) else 0):
        raise too_large(limit_bytes)
    _refuse_without_room(services, size_bytes)
    most = services.settings.max_queue
    if services.ledger.counts()[JobState.QUEUED] >= most:
        raise QueueFull(f"{most} jobs are waiting already. Try again in a minute.")


def _refuse_without_room(services: Services, size_bytes: int) -> None:
    if not services.blobs.has_room(size_bytes):
        raise StorageFull("There is no room for this upload. Try again once results have expired.")


@asynccontextmanager
async def _held_key(request: Request, services: Services) -> AsyncIterator[HeldKey | None]:
    key = request.headers.get("idempotency-key")
    if key is None:
        yield None
        return
    if not 1 <= len(key) <= _LONGEST_KEY:
        raise RequestInvalid(f"An Idempotency-Key has 1 to {_LONGEST_KEY} characters.")
    async with services.looks.entered(services.idempotency.hold(key)) as held:
        yield held


async def _receive_job(
    request: Request, services: Services, path_name: str | None, held: HeldKey | None
) -> JobRecord:
    job_id = new_id() if held is None else held.claim.job_id
    limit_bytes = services.settings.upload_limit_bytes
    writing = services.blobs.open_writer(upload_key(job_id), limit_bytes=limit_bytes)
    async with services.files.entered(writing) as writer:
        receiver = Receiver(
            writer,
            limit_bytes=limit_bytes,
            threads=services.files,
            on_piece=_check_between_pieces(services, held),
        )
        received = await receive(request, receiver, path_name)
    services.metrics.uploaded(received.upload.size_bytes)
    return await services.files.run(_make_job, services, job_id, received)


async def _replay(
    request: Request, services: Services, path_name: str | None, held: HeldKey
) -> Accepted:
    """Is it the same request again? The whole file has to come once more to know."""
    limit_bytes = services.settings.upload_limit_bytes
    receiver = Receiver(
        HashOnly(limit_bytes),
        limit_bytes=limit_bytes,
        threads=services.files,
        on_piece=_now_and_then(held),
    )
    received = await receive(request, receiver, path_name)
    record = await services.looks.run(services.ledger.get, held.claim.job_id)
    if received != Received(record.filename, record.options, record.upload):
        raise IdempotencyConflict(
            "This Idempotency-Key was used with another video or other options. Use a new key."
        )
    return Accepted(record, is_replay=True)


def _make_job(services: Services, job_id: str, received: Received) -> JobRecord:
    try:
        record = services.ledger.create(
            job_id=job_id,
            filename=received.filename,
            options=received.options,
            upload=received.upload,
            max_queued=services.settings.max_queue,
        )
    except QueueFull:
        services.blobs.delete(upload_key(job_id))
        raise
    except StoreUnavailable:
        record = _made_after_all(services, job_id)
        if record is None:
            raise
    try:
        services.transport.send_job(job_id)
        services.ledger.sent(job_id)
    except StoreUnavailable:
        pass  # the job is accepted; workers' upkeep finds and sends it once Redis is back
    return record


def _made_after_all(services: Services, job_id: str) -> JobRecord | None:
    """Only the reply may have got lost. A file whose job is in doubt stays: upkeep looks later."""
    try:
        return services.ledger.get(job_id)
    except JobNotFound:
        services.blobs.delete(upload_key(job_id))
    except StoreUnavailable:
        pass
    return None


def _check_between_pieces(services: Services, held: HeldKey | None) -> Callable[[], None]:
    """Uploads need not say how long they are, and others come at the same time."""
    renew = (lambda: None) if held is None else _now_and_then(held)

    def check() -> None:
        _refuse_without_room(services, 0)
        renew()

    return check


def _now_and_then(held: HeldKey) -> Callable[[], None]:
    """Keep a key reserved through a long upload."""
    renewed_at = time.monotonic()

    def renew() -> None:
        nonlocal renewed_at
        if time.monotonic() - renewed_at > held.renew_every_s:
            held.renew()
            renewed_at = time.monotonic()

    return renew
