"""Forms arrive in bits of any size, and mean the same."""

import asyncio
import itertools
from collections.abc import AsyncIterator

from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from server.multipart import PartBegin, PartBytes, PartEnd, read_parts

FILE = b"\r\n--frontie\r\n--frontier-\r\n" * 5 + bytes(range(256))
BODY = (
    b"--frontier\r\nContent-Disposition: form-data; name=\"stride\"\r\n\r\n3\r\n"
    b"--frontier\r\ncontent-disposition: form-data; name=\"file\"; filename=\"\xc3\xbc.mp4\"\r\n"
    b"Content-Type: video/mp4\r\n\r\n" + FILE + b"\r\n--frontier--\r\n"
)  # fmt: skip


def read(bits: list[bytes]) -> list[tuple[str, str | None, bytes]]:
    messages = [{"type": "http.request", "body": bit, "more_body": True} for bit in bits]
    messages.append({"type": "http.request", "body": b"", "more_body": False})

    async def receive() -> dict[str, object]:
        return messages.pop(0)

    kind = b"multipart/form-data; boundary=frontier"
    request = Request({"type": "http", "headers": [(b"content-type", kind)]}, receive)

    async def collect(events: AsyncIterator[object]) -> list[tuple[str, str | None, bytes]]:
        parts: list[tuple[str, str | None, bytes]] = []
        begun, content = PartBegin("", None), b""
        async for event in events:
            match event:
                case PartBegin():
                    begun, content = event, b""
                case PartBytes(more):
                    content += more
                case PartEnd():
                    parts.append((begun.name, begun.filename, content))
        return parts

    return asyncio.run(collect(read_parts(request)))


@given(st.lists(st.integers(0, len(BODY)), max_size=8))
def test_cut_anywhere(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(BODY)]
    bits = [BODY[start:stop] for start, stop in itertools.pairwise(edges)]
    assert read(bits) == [("stride", None, b"3"), ("file", "ü.mp4", FILE)]
