"""Containers in containers, and boxes in boxes, deeper than anybody packs them."""

from collections.abc import Callable
from random import Random
from struct import pack

from tests.faults.hostile import ebml
from tests.faults.hostile.boxes import added, box
from tests.faults.hostile.variant import Material, Variant

_DEPTHS = (2000, 20, 20_000, 200)


def nested(material: Material, dice: Random, index: int) -> Variant:
    """A file in a file, or very many layers around one."""
    name, trick = _TRICKS[index % len(_TRICKS)]
    depth = _DEPTHS[index // len(_TRICKS) % len(_DEPTHS)]
    return Variant(trick(material, depth), f"{name}, {depth} deep")


def _boxes(kind: bytes, head: bytes = b"") -> Callable[[Material, int], bytes]:
    def build(material: Material, depth: int) -> bytes:
        ends = [depth * (8 + len(head)) - number * (8 + len(head)) for number in range(depth)]
        layers = b"".join(pack(">I4s", end, kind) + head for end in ends)
        return material.clips["h264.mp4"] + layers

    return build


def _film_in_film(material: Material, depth: int) -> bytes:
    content = material.clips["h264.mp4"]
    for _ in range(min(depth, 8)):
        content = box(b"ftyp", b"isom\0\0\0\0") + box(b"moov", content)
    return content


def _film_in_data(material: Material, depth: int) -> bytes:
    clips = material.clips
    return box(b"ftyp", b"isom\0\0\0\0") + box(b"mdat", clips["h264.mkv"], clips["h264.mp4"])


def _film_in_free(material: Material, depth: int) -> bytes:
    return box(b"free", material.clips["vp9.webm"] * min(depth, 40)) + material.clips["h264.mp4"]


def _attachment(material: Material, depth: int) -> bytes:
    file = ebml.element(
        ebml.ATTACHED_FILE,
        ebml.element(0x466E, b"../../font.ttf"),
        ebml.element(0x4660, b"video/mp4"),
        ebml.unsigned(0x46AE, 1),
        ebml.element(0x465C, material.clips["h264.mp4"]),
    )
    attachments = ebml.element(ebml.ATTACHMENTS, file * min(depth, 200))
    return ebml.spliced(material.clips["h264.mkv"], ebml.TRACKS, attachments)


def _elements(
    number: int, around: tuple[int, ...], text: bytes
) -> Callable[[Material, int], bytes]:
    """Elements of one kind in each other, without an end, so that their sizes cost nothing."""

    def build(material: Material, depth: int) -> bytes:
        start = b"".join(ebml.identifier(outer) + b"\x01" + b"\xff" * 7 for outer in around)
        layer = ebml.identifier(number) + b"\x08" + (2**35).to_bytes(5, "big")[1:] + text
        return ebml.spliced(material.clips["h264.mkv"], ebml.TRACKS, start + layer * depth)

    return build


def _lists(material: Material, depth: int) -> bytes:
    clip = material.clips["mpeg4.avi"]
    at = clip.index(b"LIST")
    return clip[:at] + b"LIST\xff\xff\xff\x0fhdrl" * depth + clip[at:]


def _transport_in_film(material: Material, depth: int) -> bytes:
    return material.clips["h264.ts"] + material.clips["h264.mp4"] + material.clips["h264.ts"]


def _archive(material: Material, depth: int) -> bytes:
    """A file that is a video from its beginning and an archive from its end."""
    name = b"a.mp4"
    central = pack(
        "<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 0, 0, 0, 0, 0, 0, len(name), 0, 0, 0, 0, 0, 0
    )
    end = pack("<4s4H2IH", b"PK\5\6", 0, 0, 1, 1, len(central) + len(name), 0, 0)
    return material.clips["h264.mp4"] + central + name + end


def _notes(material: Material, depth: int) -> bytes:
    inner = b""
    for _ in range(min(depth, 400)):
        inner = box(b"udta", inner)
    return added(material.clips["h264.mp4"], b"moov", inner)


_TRICKS: tuple[tuple[str, Callable[[Material, int], bytes]], ...] = (
    ("films", _boxes(b"moov")),
    ("tags", _elements(0x67C8, (ebml.TAGS, 0x7373), b"")),
    ("lists", _lists),
    ("attached videos", _attachment),
    ("a film in a film", _film_in_film),
    ("tracks", _boxes(b"trak")),
    ("notes", _notes),
    ("chapters", _elements(0xB6, (ebml.CHAPTERS, 0x45B9), b"")),
    ("a film in its own pictures", _film_in_data),
    ("meta boxes", _boxes(b"meta", bytes(4))),
    ("films in padding", _film_in_free),
    ("clusters", _elements(ebml.CLUSTER, (), b"")),
    ("a transport stream around a film", _transport_in_film),
    ("an archive behind a film", _archive),
    ("descriptions", _boxes(b"stsd", pack(">II", 0, 1))),
)
