"""``multipart/form-data`` read part by part as it arrives; nothing is spooled.

Source: RFC 7578.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from core.errors import RequestInvalid, UploadIncomplete
from server.filenames import filename_of_header
from server.lingering import read_body

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

_MOST_PARTS = 100


@dataclass(frozen=True)
class PartBegin:
    """A new part: a field, or a file if it has a file name."""

    name: str
    filename: str | None


@dataclass(frozen=True)
class PartBytes:
    """Some of the part's content."""

    content: bytes


@dataclass(frozen=True)
class PartEnd:
    """The part is complete."""


PartEvent = PartBegin | PartBytes | PartEnd


def is_multipart(request: Request) -> bool:
    """Whether the body is a form, as its Content-Type says."""
    kind, _ = parse_options_header(request.headers.get("content-type"))
    return kind == b"multipart/form-data"


async def read_parts(request: Request) -> AsyncIterator[PartEvent]:
    """The parts of a request's body, each as begin, bytes, end.

    Raises:
        RequestInvalid: the body is no multipart form.
        UploadIncomplete: it ends before its closing boundary.
    """
    _, options = parse_options_header(request.headers.get("content-type"))
    if not options.get(b"boundary"):
        raise RequestInvalid("The Content-Type header names no multipart boundary.")
    events = _Events()
    try:
        parser = MultipartParser(options[b"boundary"], events.callbacks())
        async for bit in read_body(request):
            parser.write(bit)
            for event in events.take():
                yield event
    except FormParserError as error:
        raise RequestInvalid(f"The multipart form cannot be read: {error}.") from error
    if not events.ended:
        raise UploadIncomplete("The form ended before its closing boundary. Send it again.")


class _Events:
    """Collects what the parser calls back, to be taken after each bit."""

    def __init__(self) -> None:
        self.ended = False
        self._found: list[PartEvent] = []
        self._parts = 0
        self._headers: dict[bytes, bytes] = {}
        self._field = b""
        self._value = b""

    def take(self) -> list[PartEvent]:
        found, self._found = self._found, []
        return found

    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._part_begin,
            "on_part_data": self._part_data,
            "on_part_end": lambda: self._found.append(PartEnd()),
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_end": self._end,
        }

    def _part_begin(self) -> None:
        self._parts += 1
        if self._parts > _MOST_PARTS:
            raise RequestInvalid(f"The form has more than {_MOST_PARTS} parts.")
        self._headers.clear()

    def _part_data(self, content: bytes, start: int, end: int) -> None:
        self._found.append(PartBytes(content[start:end]))

    def _header_field(self, content: bytes, start: int, end: int) -> None:
        self._field += content[start:end]

    def _header_value(self, content: bytes, start: int, end: int) -> None:
        self._value += content[start:end]

    def _header_end(self) -> None:
        self._headers[self._field.lower()] = self._value
        self._field = self._value = b""

    def _headers_finished(self) -> None:
        disposition = self._headers.get(b"content-disposition")
        _, options = parse_options_header(disposition)
        if b"name" not in options:
            raise RequestInvalid("A part of the form has no name.")
        name = options[b"name"].decode("utf-8", "replace")
        self._found.append(PartBegin(name, filename_of_header(disposition)))

    def _end(self) -> None:
        self.ended = True
