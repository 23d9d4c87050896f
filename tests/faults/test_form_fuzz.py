"""Made-up forms and names: they are read, or refused with a code, however they arrive."""

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st
from starlette.requests import Request

from core.errors import LiftError
from server.filenames import attachment, clean_filename
from server.multipart import PartBegin, PartBytes, PartEnd, PartEvent, read_parts
from tests.faults.fuzzing import examples
from tests.faults.made_up import small

EDGE = b"edge"
HEADERS = st.one_of(
    st.sampled_from(
        (
            b'Content-Disposition: form-data; name="file"; filename="a.mp4"',
            b'Content-Disposition: form-data; name="stride"',
            b"Content-Disposition: form-data",
            b"Content-Disposition: form-data; name*=UTF-8''%ff; filename*=x'y'%%",
            b"Content-Disposition: " + b"a" * 5000,
            b'content-disposition: form-data; name="\xff\xfe"; filename="../../\0"',
            b"Content-Transfer-Encoding: base64",
            b"no colon here",
            b": no name",
        )
    ),
    small,
)
PARTS = st.tuples(st.lists(HEADERS, max_size=10), st.one_of(small, st.just(b"\r\n--edg")))
BODIES = st.tuples(
    st.lists(PARTS, max_size=5), st.sampled_from((b"--\r\n", b"--", b"", b"\r\n", b"-\r\n"))
).map(
    lambda whole: (
        b"".join(
            b"--" + EDGE + b"\r\n" + b"\r\n".join(headers) + b"\r\n\r\n" + content + b"\r\n"
            for headers, content in whole[0]
        )
        + b"--"
        + EDGE
        + whole[1]
    )
)


def parts_of(bits: list[bytes], kind: bytes) -> list[PartEvent] | LiftError:
    messages = [{"type": "http.request", "body": bit, "more_body": True} for bit in bits]
    messages.append({"type": "http.request", "body": b"", "more_body": False})

    async def receive() -> dict[str, object]:
        return messages.pop(0)

    async def collect(events: AsyncIterator[PartEvent]) -> list[PartEvent]:
        return [event async for event in events]

    request = Request({"type": "http", "headers": [(b"content-type", kind)]}, receive)
    try:
        return asyncio.run(collect(read_parts(request)))
    except LiftError as error:
        return error


@examples(150)
@given(
    st.one_of(BODIES, st.binary(max_size=300)),
    st.lists(st.integers(0, 2000), max_size=6),
    st.sampled_from(
        (
            b"multipart/form-data; boundary=edge",
            b'multipart/form-data; boundary="edge"; charset=utf-7',
            b"multipart/form-data; boundary=",
            b"multipart/form-data",
            b"multipart/form-data; boundary=" + b"e" * 3000,
            b"multipart/form-data; boundary*=UTF-8''%65dge",
            b"multipart/form-data; boundary=\xff\x00",
        )
    ),
)
@example(
    b"--edge\r\n" + b"a: b\r\n" * 50 + b"\r\n\r\n--edge--",
    [],
    b"multipart/form-data; boundary=edge",
)
def test_forms(body: bytes, cuts: list[int], kind: bytes) -> None:
    edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    bits = [body[start:stop] for start, stop in pairwise(edges)]
    events = parts_of(bits, kind)
    whole = parts_of([body], kind)
    # How it arrives makes no difference, whether it is refused or read.
    assert type(events) is type(whole)
    if isinstance(events, list):
        begins = sum(isinstance(event, PartBegin) for event in events)
        assert begins == sum(isinstance(event, PartEnd) for event in events)
        content = b"".join(event.content for event in events if isinstance(event, PartBytes))
        assert len(content) <= len(body)
    else:
        assert events.code in {"request_invalid", "upload_incomplete"}


@examples(200)
@given(st.text(max_size=300))
@example("\ud800/..\\\u202e.mp4")
@example("...")
def test_names(name: str) -> None:
    clean = clean_filename(name)
    assert clean
    assert not set(clean) & set("/\\\0\r\n")
    assert clean not in {".", ".."}
    header = attachment(clean)
    header.encode("latin-1")
    assert not set(header) & set("\r\n\0")
    assert header.count('"') == 2
