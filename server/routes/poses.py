"""One picture in, poses out, at once."""

import asyncio
import math

from fastapi import APIRouter, Depends, Request
from starlette.requests import ClientDisconnect

from core import errors
from core.contracts import POSE_QUEUE, PersonPose
from core.errors import NoWorkerFree, UploadEmpty, UploadIncomplete, UploadMissing
from core.store.blobs import too_large
from core.store.keys import new_id
from server.auth import UseOwn
from server.lingering import expect_body, read_body
from server.multipart import PartBegin, PartBytes, is_multipart, read_parts
from server.openapi import PICTURE_BODY
from server.problems import described
from server.quotas import count_upload
from server.schemas import Poses
from server.services import Services

router = APIRouter(tags=["poses"])

_SLOWEST_UPLOAD_S = 30.0
"""A seat is not for those who send their picture a byte at a time."""


@router.post(
    "/poses",
    responses=described(
        errors.ImageInvalid,
        errors.DecoderCrashed,
        errors.DecoderLimits,
        errors.UploadEmpty,
        errors.UploadMissing,
        errors.UploadTooLarge,
        errors.UploadIncomplete,
        errors.QuotaExceeded,
        errors.NoWorkerFree,
        errors.DecoderLost,
        errors.StoreUnavailable,
    ),
    openapi_extra=PICTURE_BODY,
    dependencies=[Depends(count_upload)],
    summary="Lift the people in one picture",
)
async def create_poses(request: Request, services: UseOwn) -> Poses:
    """Waits a few seconds for the answer; 503 with `Retry-After` when no worker is free."""
    expect_body(request, unread=True)
    if not await services.looks.run(services.beats.alive, POSE_QUEUE):
        raise NoWorkerFree("No worker for single pictures is running.")
    # From the first byte on: pictures are held in memory, and seats bound how many.
    with services.seats.taken():
        image = await _receive_in_time(request, services.settings.image_limit_bytes)
        return Poses(persons=await services.waits.run(_ask, services, image))


def _ask(services: Services, image: bytes) -> list[PersonPose]:
    pose_id, wait_s = new_id(), services.settings.poses_wait_s
    services.exchange.put(pose_id, image)
    services.transport.send_picture(pose_id, ttl_s=math.ceil(wait_s))
    return services.exchange.wait(pose_id, wait_s)


async def _receive_in_time(request: Request, limit_bytes: int) -> bytes:
    try:
        async with asyncio.timeout(_SLOWEST_UPLOAD_S):
            image = await _receive(request, limit_bytes)
    except TimeoutError:
        raise UploadIncomplete(f"The picture took over {_SLOWEST_UPLOAD_S:g} s to come.") from None
    except ClientDisconnect:
        raise UploadIncomplete("The connection ended before the upload did.") from None
    if not image:
        raise UploadEmpty("The picture is empty.")
    return image


async def _receive(request: Request, limit_bytes: int) -> bytes:
    image, has_file, in_file = bytearray(), False, False
    if not is_multipart(request):
        async for bit in read_body(request):
            _take(image, bit, limit_bytes)
        return bytes(image)
    async for event in read_parts(request):
        match event:
            case PartBegin(name):
                in_file = name == "file"
                has_file |= in_file
            case PartBytes(content) if in_file:
                _take(image, content, limit_bytes)
            case _:
                pass
    if not has_file:
        raise UploadMissing("The form holds no part named 'file'. Send it as: -F file=@me.jpg")
    return bytes(image)


def _take(image: bytearray, bit: bytes, limit_bytes: int) -> None:
    image += bit
    if len(image) > limit_bytes:
        raise too_large(limit_bytes)
