"""A request's video on its way to an accepted job: nothing is kept unless all of it is good."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from fastapi import Request
from starlette.requests import ClientDisconnect

from core.contracts import JobRecord, JobState
from core.errors import (
    IdempotencyConflict,
    IdempotencyInFlight,
    QueueFull,
    RequestInvalid,
    ServerBusy,
    StoreUnavailable,
    UploadIncomplete,
)
from core.store.blobs import too_large
from core.store.idempotency import HeldKey
from core.store.keys import new_id, upload_key
from core.task_ends import end_tasks
from server.lingering import expect_body
from server.making_jobs import make_job
from server.multipart import is_multipart
from server.pace import Pace
from server.receiving import HashOnly, Receiver
from server.request_bodies import Received, receive
from server.services import Services
from server.webhooks.urls import webhook_rules

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
    settings = services.settings
    pace = Pace(stall_s=settings.upload_stall_s, min_bytes_per_s=settings.upload_min_bytes_per_s)
    expect_body(request, unread=True, pace=pace)
    try:
        with services.uploads.taken():
            await services.claims.run(_refuse_early, request, services)
            async with _held_key(request, services) as held:
                if held is not None and held.claim.is_replay:
                    return await _replay(request, services, path_name, held)
                return Accepted(await _receive_job(request, services, path_name, held))
    except ClientDisconnect:
        raise UploadIncomplete("The connection ended before the upload did.") from None


def _refuse_early(request: Request, services: Services) -> None:
    """What can be known before the upload, to spare it; all of it is made sure of later."""
    limit_bytes = services.settings.upload_limit_bytes
    form_bytes = _FORM_OVERHEAD_BYTES if is_multipart(request) else 0
    if _announced_bytes(request) > limit_bytes + form_bytes:
        raise too_large(limit_bytes)
    most = services.settings.max_queue
    if services.ledger.counts()[JobState.QUEUED] >= most:
        raise QueueFull(f"{most} jobs are waiting already. Try again in a minute.")


def _announced_bytes(request: Request) -> int:
    announced = request.headers.get("content-length", "")
    return int(announced) if announced.isdecimal() else 0


@asynccontextmanager
async def _held_key(request: Request, services: Services) -> AsyncIterator[HeldKey | None]:
    key = request.headers.get("idempotency-key")
    if key is None:
        yield None
        return
    if not 1 <= len(key) <= _LONGEST_KEY:
        raise RequestInvalid(f"An Idempotency-Key has 1 to {_LONGEST_KEY} characters.")
    holding = services.idempotency.hold(key, owner=services.owner)
    async with services.claims.entered(holding) as held:
        renewing = asyncio.create_task(_renew(held, services))
        try:
            yield held
        finally:
            await end_tasks(renewing)


async def _renew(held: HeldKey, services: Services) -> None:
    """As time goes by, not as bytes come: a slow upload would lose its key to the next one."""
    if held.claim.is_replay:  # nothing was reserved
        return
    while True:
        await asyncio.sleep(held.renew_every_s)
        with suppress(StoreUnavailable, ServerBusy, IdempotencyInFlight):
            # It is made sure of at the end; Redis may be back by then.
            await services.claims.run(held.renew)


async def _receive_job(
    request: Request, services: Services, path_name: str | None, held: HeldKey | None
) -> JobRecord:
    job_id = new_id() if held is None else held.claim.job_id
    limit_bytes = services.settings.upload_limit_bytes
    writing = services.blobs.open_upload(
        upload_key(job_id), limit_bytes=limit_bytes, announced_bytes=_announced_bytes(request)
    )
    async with services.intake.entered(writing) as writer:
        async with Receiver(writer, limit_bytes=limit_bytes, threads=services.intake) as receiver:
            received = await receive(request, receiver, path_name, webhook_rules(services.settings))
        if held is not None:
            await services.claims.run(held.renew)
    services.metrics.uploaded(received.upload.size_bytes)
    return await services.intake.run(
        make_job, services, job_id, received, may_be_repeated=held is not None
    )


async def _replay(
    request: Request, services: Services, path_name: str | None, held: HeldKey
) -> Accepted:
    """Is it the same request again? The whole file has to come once more to know."""
    limit_bytes = services.settings.upload_limit_bytes
    hashing = Receiver(HashOnly(limit_bytes), limit_bytes=limit_bytes, threads=services.intake)
    async with hashing as receiver:
        received = await receive(request, receiver, path_name, webhook_rules(services.settings))
    record = await services.claims.run(services.ledger.get, held.claim.job_id)
    first = Received(record.filename, record.options, record.upload, record.webhook_url)
    if received != first:
        raise IdempotencyConflict(
            "This Idempotency-Key was used with another video or other options. Use a new key."
        )
    return Accepted(record, is_replay=True)
