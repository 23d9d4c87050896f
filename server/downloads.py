"""Stored files as HTTP answers: whole or in part, and checkable.

Source: RFC 9110 (ranges and conditions), RFC 9530 (digests).
"""

import base64
import re
from collections.abc import AsyncIterator
from contextlib import suppress

from fastapi import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from core.contracts import BlobFacts
from core.errors import RangeNotSatisfiable
from core.store.blobs import BlobStore, Pieces
from server.problems import respond
from server.threads import Threads

# No file is longer than 18 digits can say, and Python refuses to read numbers without end.
_RANGE = re.compile(r"bytes\s*=\s*([0-9]{0,18})\s*-\s*([0-9]{0,18})", re.IGNORECASE)


async def download(
    request: Request,
    blobs: BlobStore,
    key: str,
    facts: BlobFacts,
    *,
    disposition: str,
    media_type: str,
    threads: Threads,
) -> Response:
    """Answer GET and HEAD for a blob, with ETag, Range, If-Range, If-None-Match and digests."""
    etag, digest = f'"{facts.sha256}"', _digest(facts)
    headers = {
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "Repr-Digest": digest,
    }
    if _matches(request.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers=headers)
    headers |= {"Content-Disposition": disposition, "X-Content-Type-Options": "nosniff"}
    try:
        span = _wanted_range(request, etag, facts.size_bytes)
    except RangeNotSatisfiable as error:
        return respond(request, error, {"Content-Range": f"bytes */{facts.size_bytes}"})
    start, stop = span or (0, facts.size_bytes)
    headers["Content-Length"] = str(stop - start)
    if span is None:
        headers["Content-Digest"] = digest  # of what is sent, so only where that is all of it
    else:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{facts.size_bytes}"
    if request.method == "HEAD":
        return Response(headers=headers, media_type=media_type)
    status = 200 if span is None else 206
    pieces = await threads.run(blobs.read, key, start, stop)
    return _PiecesResponse(pieces, threads, status, headers, media_type)


class _PiecesResponse(StreamingResponse):
    """Sends pieces as the client takes them, and closes them however that ends."""

    def __init__(
        self,
        pieces: Pieces,
        threads: Threads,
        status: int,
        headers: dict[str, str],
        media_type: str,
    ) -> None:
        super().__init__(_in_threads(pieces, threads), status, headers, media_type)
        self._pieces = pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            with suppress(ValueError):  # a thread still reads: its end closes them
                self._pieces.close()


async def _in_threads(pieces: Pieces, threads: Threads) -> AsyncIterator[bytes]:
    while (piece := await threads.run(next, pieces, None)) is not None:
        yield piece


def _digest(facts: BlobFacts) -> str:
    return f"sha-256=:{base64.b64encode(bytes.fromhex(facts.sha256)).decode()}:"


def _matches(header: str | None, etag: str) -> bool:
    if header is None:
        return False
    return any(tag.strip().removeprefix("W/") in (etag, "*") for tag in header.split(","))


def _wanted_range(request: Request, etag: str, size_bytes: int) -> tuple[int, int] | None:
    """``[start, stop)``, or None for the whole file; several ranges at once are not served."""
    # Only GET knows ranges (RFC 9110, section 14.2): HEAD describes the whole file.
    header = request.headers.get("range") if request.method == "GET" else None
    condition = request.headers.get("if-range")
    if header is None or (condition is not None and condition != etag):
        return None
    match = _RANGE.fullmatch(header.strip())
    if match is None or match.group(1) == match.group(2) == "":
        return None  # not understood means ignored
    first, last = match.groups()
    if first == "":
        start, stop = max(0, size_bytes - int(last)), size_bytes
    else:
        start, stop = int(first), size_bytes if last == "" else min(int(last) + 1, size_bytes)
        if last != "" and int(last) < start:
            return None
    if start >= stop:
        raise RangeNotSatisfiable(f"The file has {size_bytes} bytes.")
    return start, stop
