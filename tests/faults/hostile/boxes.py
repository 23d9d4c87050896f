"""MP4's and MOV's boxes, read, changed and written again with their sizes made right.

Source: ISO/IEC 14496-12, section 4.2.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from struct import pack, unpack

_FOLDERS = frozenset(
    {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"dinf", b"edts", b"mvex", b"moof", b"traf"}
)


@dataclass(frozen=True)
class Box:
    """A box; ``inner`` is used in place of ``body`` where the kind holds other boxes."""

    kind: bytes
    body: bytes = b""
    inner: tuple["Box", ...] = ()


def box(kind: bytes, *parts: bytes) -> bytes:
    """A box with these parts as its content."""
    body = b"".join(parts)
    return pack(">I4s", len(body) + 8, kind) + body


def full_box(kind: bytes, *parts: bytes, version: int = 0, flags: int = 0) -> bytes:
    """A box that begins with a version and flags."""
    return box(kind, pack(">I", version << 24 | flags), *parts)


def read_boxes(content: bytes) -> tuple[Box, ...]:
    """All boxes at the top of the content, and those in them."""
    found, at = [], 0
    while at + 8 <= len(content):
        size, kind = unpack(">I4s", content[at : at + 8])
        end = len(content) if size == 0 else at + size
        body = content[at + 8 : end]
        if kind in _FOLDERS:
            found.append(Box(kind, inner=read_boxes(body)))
        else:
            found.append(Box(kind, body))
        at = end
    return tuple(found)


def write_boxes(boxes: tuple[Box, ...]) -> bytes:
    """The opposite of ``read_boxes``."""
    return b"".join(box(one.kind, one.body or write_boxes(one.inner)) for one in boxes)


def body_of(content: bytes, kind: bytes) -> bytes:
    """Content of the first box of a kind, in depth."""
    return next(one for one in _all(read_boxes(content)) if one.kind == kind).body


def with_body(content: bytes, kind: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """The file with the content of every box of a kind changed; all sizes around it fit."""

    def changed(boxes: tuple[Box, ...]) -> tuple[Box, ...]:
        return tuple(
            replace(
                one,
                body=change(one.body) if one.kind == kind else one.body,
                inner=changed(one.inner),
            )
            for one in boxes
        )

    return write_boxes(changed(read_boxes(content)))


def added(content: bytes, folder: bytes, more: bytes) -> bytes:
    """The file with further boxes at the end of the first folder of a kind."""
    done = False

    def grown(boxes: tuple[Box, ...]) -> tuple[Box, ...]:
        nonlocal done
        result = []
        for one in boxes:
            if one.kind == folder and not done:
                done = True
                result.append(replace(one, inner=(*one.inner, *read_boxes(more))))
            else:
                result.append(replace(one, inner=grown(one.inner)))
        return tuple(result)

    return write_boxes(grown(read_boxes(content)))


def places(content: bytes) -> list[tuple[bytes, int]]:
    """Kind and position of every box, in depth; a lie can be written over its size."""

    def walk(start: int, end: int) -> list[tuple[bytes, int]]:
        found, at = [], start
        while at + 8 <= end:
            size, kind = unpack(">I4s", content[at : at + 8])
            found.append((kind, at))
            stop = min(end, at + size) if size >= 8 else end
            if kind in _FOLDERS:
                found += walk(at + 8, stop)
            at = stop
        return found

    return walk(0, len(content))


def _all(boxes: tuple[Box, ...]) -> list[Box]:
    return [found for one in boxes for found in (one, *_all(one.inner))]
