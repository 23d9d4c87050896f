"""Containers that are allowed to keep their pictures in another file, and do, or pretend to."""

from random import Random
from struct import pack

from tests.faults.hostile import ebml
from tests.faults.hostile.boxes import added, box, full_box, with_body
from tests.faults.hostile.variant import Material, Variant


def referring(material: Material, dice: Random, index: int) -> Variant:
    """A MOV, MP4 or MKV whose pictures, parts or neighbours lie elsewhere."""
    path, url = str(material.bait.file), f"{material.bait.url}/secret.mov"
    targets = (path, url, f"file://{path}", f"..{path}", f"concat:{path}", "/etc/passwd")
    target = targets[index // len(_TRICKS) % len(targets)]
    what, trick = _TRICKS[index % len(_TRICKS)]
    return Variant(trick(material, target), f"{what}: {target}", dice.choice(("a.mov", "a.mp4")))


def _url_entry(material: Material, target: str) -> bytes:
    return _with_entry(material, full_box(b"url ", target.encode() + b"\0"))


def _urn_entry(material: Material, target: str) -> bytes:
    return _with_entry(material, full_box(b"urn ", b"urn:x\0", target.encode() + b"\0"))


def _alias_entry(material: Material, target: str) -> bytes:
    """QuickTime's alias record, with the path in its absolute and its POSIX form."""
    name = target.rsplit("/", 1)[-1].encode()[:63]
    record = bytes(6) + pack(">H", 2) + bytes(2)
    record += bytes([4]) + b"disk".ljust(27, b"\0") + bytes(12)
    record += bytes([len(name)]) + name.ljust(63, b"\0") + bytes(16) + pack(">HH", 0, 0) + bytes(16)
    whole = target.encode()
    for kind in (2, 18):
        record += pack(">HH", kind, len(whole)) + whole + bytes(len(whole) % 2)
    return _with_entry(material, full_box(b"alis", record + pack(">h", -1)))


def _resource_entry(material: Material, target: str) -> bytes:
    return _with_entry(material, full_box(b"rsrc", target.encode()))


def _with_entry(material: Material, entry: bytes) -> bytes:
    body = pack(">II", 0, 1) + entry
    return with_body(material.clips["mjpeg.mov"], b"dref", lambda _: body)


def _reference_movie(material: Material, target: str) -> bytes:
    where = target.encode() + b"\0"
    reference = box(b"rdrf", bytes(4), b"url ", pack(">I", len(where)), where)
    film = box(b"moov", box(b"rmra", box(b"rmda", reference)))
    return box(b"ftyp", b"qt  \0\0\0\0qt  ") + film


def _reference_in_film(material: Material, target: str) -> bytes:
    where = target.encode() + b"\0"
    reference = box(b"rdrf", bytes(4), b"url ", pack(">I", len(where)), where)
    return added(material.clips["mjpeg.mov"], b"moov", box(b"rmra", box(b"rmda", reference)))


def _neighbours(material: Material, target: str) -> bytes:
    """Matroska's links to the files before and after, by name and by number."""
    name = target.encode()
    links = ebml.element(
        0x1549A966,
        ebml.element(0x3C83AB, name),
        ebml.element(0x3E83BB, name),
        ebml.element(0x7384, name),
        ebml.element(0x3EB923, bytes(range(16))),
        ebml.element(0x3CB923, bytes(range(16))),
    )
    return ebml.spliced(material.clips["h264.mkv"], ebml.TRACKS, links)


def _linked_chapters(material: Material, target: str) -> bytes:
    """Chapters that are to be played from another segment."""
    atom = ebml.element(
        0xB6,
        ebml.unsigned(0x73C4, 1),
        ebml.unsigned(0x91, 0),
        ebml.element(0x6E67, bytes(range(16))),
        ebml.element(0x80, ebml.element(0x85, target.encode())),
    )
    edition = ebml.element(0x45B9, ebml.unsigned(0x45DD, 1), atom)
    chapters = ebml.element(ebml.CHAPTERS, edition)
    return ebml.spliced(material.clips["h264.mkv"], ebml.TRACKS, chapters)


def _tag(material: Material, target: str) -> bytes:
    simple = ebml.element(
        0x67C8, ebml.element(0x45A3, b"URL"), ebml.element(0x4487, target.encode())
    )
    tags = ebml.element(ebml.TAGS, ebml.element(0x7373, ebml.element(0x63C0), simple))
    return ebml.spliced(material.clips["h264.mkv"], ebml.TRACKS, tags)


def _user_note(material: Material, target: str) -> bytes:
    text = target.encode()
    note = box(b"udta", box(b"\xa9url", pack(">HH", len(text), 0), text), box(b"name", text))
    return added(material.clips["h264.mp4"], b"moov", note)


_TRICKS = (
    ("pictures at a URL", _url_entry),
    ("pictures behind an alias", _alias_entry),
    ("a film that is elsewhere", _reference_movie),
    ("links to neighbours", _neighbours),
    ("pictures under a name", _urn_entry),
    ("pictures in a resource", _resource_entry),
    ("a film and another one elsewhere", _reference_in_film),
    ("chapters of another file", _linked_chapters),
    ("a tag with an address", _tag),
    ("a note with an address", _user_note),
)
