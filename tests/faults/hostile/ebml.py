"""Matroska's elements, found and written.

Source: RFC 8794 (EBML), RFC 9559 (Matroska).
"""

from collections.abc import Iterator

HEAD, SEGMENT, TRACKS, TRACK_ENTRY = 0x1A45DFA3, 0x18538067, 0x1654AE6B, 0xAE
VIDEO, CLUSTER = 0xE0, 0x1F43B675
ATTACHMENTS, ATTACHED_FILE = 0x1941A469, 0x61A7
TAGS, CHAPTERS, CONTENT_ENCODINGS = 0x1254C367, 0x1043A770, 0x6D80
_FOLDERS = frozenset(
    {HEAD, SEGMENT, TRACKS, TRACK_ENTRY, VIDEO, CLUSTER, 0x1549A966, 0x1C53BB6B, TAGS, 0x7373}
)


def identifier(number: int) -> bytes:
    """An element's id as it is stored."""
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def element(number: int, *parts: bytes) -> bytes:
    """An element with these parts, its size in eight bytes."""
    body = b"".join(parts)
    return identifier(number) + b"\x01" + len(body).to_bytes(7, "big") + body


def unsigned(number: int, value: int) -> bytes:
    """An element that holds an integer."""
    return element(number, value.to_bytes(8, "big"))


def elements(content: bytes, start: int = 0, end: int | None = None) -> Iterator[tuple[int, ...]]:
    """Id, position of the size, position of the body and its end, of all elements in depth."""
    at, stop = start, len(content) if end is None else end
    while at < stop:
        id_bytes = _length(content[at])
        number = int.from_bytes(content[at : at + id_bytes], "big")
        size_at = at + id_bytes
        if size_at >= stop:
            return
        size_bytes = _length(content[size_at])
        mask = (1 << 7 * size_bytes) - 1
        size = int.from_bytes(content[size_at : size_at + size_bytes], "big") & mask
        body = size_at + size_bytes
        body_end = stop if size == mask else min(stop, body + size)
        yield number, size_at, body, body_end
        if number in _FOLDERS:
            yield from elements(content, body, body_end)
        at = max(body_end, at + 1)


def spliced(content: bytes, after: int, more: bytes) -> bytes:
    """The file with further elements after the first one of a kind, in a segment without an end.

    Without an end, because the segment's own size would no longer be right.
    """
    found = {number: (size_at, body, end) for number, size_at, body, end in elements(content)}
    _, _, at = found[after]
    size_at, body, _ = found[SEGMENT]
    unknown = b"\x01" + b"\xff" * 7
    return content[:size_at] + unknown + content[body:at] + more + content[at:]


def _length(first: int) -> int:
    return max(1, 9 - first.bit_length())
