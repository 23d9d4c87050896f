"""Headers that do not say the truth: sizes, counts, durations, rates, positions."""

from random import Random
from struct import pack

from tests.faults.hostile.boxes import body_of, places, with_body
from tests.faults.hostile.ebml import elements
from tests.faults.hostile.variant import Family, Material, Variant

_EXTREMES = (0, 1, 7, 0xFF, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF)
_ISO_CLIPS = ("h264.mp4", "fragments.mp4", "mjpeg.mov", "turned.mov", "hevc.mp4", "av1.mp4")
_TABLES = (
    b"mvhd", b"mdhd", b"tkhd", b"stts", b"stsz", b"stsc", b"stco", b"ctts", b"elst", b"stss",
    b"hdlr", b"stsd", b"trex", b"tfhd", b"trun", b"ftyp",
)  # fmt: skip
# Kind of the box, where in its content, and what stands there; then what it means.
_ISO_LIES = (
    (b"stsz", 8, 0x1000_0000, "a quarter of a billion pictures in a table that is not there"),
    (b"mdhd", 12, 0, "a clock with zero ticks a second"),
    (b"mdhd", 16, 0xFFFF_FFFF, "a duration of four billion ticks"),
    (b"stts", 12, 0, "pictures that last no time"),
    (b"stts", 12, 0x7FFF_FFFF, "pictures that last for ever"),
    (b"stts", 12, 0xFFFF_FFFF, "pictures that last less than nothing"),
    (b"stts", 4, 0xFFFF_FFFF, "a table of four billion durations"),
    (b"stco", 8, 0xFFFF_FFF0, "pictures beyond the end of the file"),
    (b"stco", 8, 0, "pictures that begin in the first header"),
    (b"stco", 4, 0x4000_0000, "a billion positions"),
    (b"stsc", 8, 0, "positions counted from zero"),
    (b"stsc", 12, 0, "no pictures in a position"),
    (b"stsz", 4, 0x7FFF_FFFF, "pictures of two gigabytes each"),
    (b"stsd", 4, 0x7FFF_FFFF, "two billion codecs"),
    (b"mvhd", 12, 0, "a film with zero ticks a second"),
    (b"elst", 4, 0x0FFF_FFFF, "a quarter of a billion cuts in a list that is not there"),
)
_RIFF_PLACES = {  # where each field lies behind the name of its chunk
    b"avih": (8, 24, 28, 32, 40, 44),  # time of a picture, flags, pictures, streams, width, height
    b"strh": (8, 12, 28, 32, 36, 40, 44),  # kind, codec, scale, rate, start, length, buffer
    b"strf": (4, 8, 12, 16, 20, 24),  # size, width, height, planes and depth, codec, bytes
    b"idx1": (4, 12, 16),
    b"LIST": (4,),
    b"movi": (8,),
}


def lying(material: Material, dice: Random, index: int) -> Variant:
    """A whole file with some wrong numbers in its headers, container after container."""
    kind: Family = (_iso, _ebml, _riff, _transport)[index % 4]
    return kind(material, dice, index // 4)


def _iso(material: Material, dice: Random, index: int) -> Variant:
    if index < len(_ISO_LIES):
        return _known_iso_lie(material, index)
    name = _ISO_CLIPS[index % len(_ISO_CLIPS)]
    content = bytearray(material.clips[name])
    if dice.random() < 0.5:
        kind, at = dice.choice(places(content))
        size = dice.choice((*_EXTREMES, dice.randrange(len(content))))
        content[at : at + 4] = pack(">I", size)
        if size == 1:
            content[at + 8 : at + 16] = pack(">Q", dice.choice((0, 15, 2**63, 2**64 - 1)))
        return Variant(bytes(content), f"{name}: box {kind!r} claims {size} bytes", name)
    there = [(kind, at) for kind, at in places(content) if kind in _TABLES]
    kind, at = dice.choice(there)
    field = at + 8 + 4 * dice.randrange(8)
    value = dice.choice(_EXTREMES)
    content[field : field + 4] = pack(">I", value)
    return Variant(bytes(content), f"{name}: {value:#x} in box {kind!r}", name)


def _known_iso_lie(material: Material, index: int) -> Variant:
    kind, at, value, what = _ISO_LIES[index]

    def lie(body: bytes) -> bytes:
        return body[:at] + pack(">I", value) + body[at + 4 :]

    content = with_body(material.clips["h264.mp4"], kind, lie)
    assert lie(body_of(material.clips["h264.mp4"], kind)) == body_of(content, kind)
    return Variant(content, what)


def _ebml(material: Material, dice: Random, index: int) -> Variant:
    name = ("vp9.webm", "h264.mkv", "av1.mkv")[index % 3]
    content = bytearray(material.clips[name])
    number, size_at, body, end = dice.choice(list(elements(content)))
    if dice.random() < 0.4:
        lie = dice.choice((b"\x01" + b"\xff" * 7, b"\x01" + bytes(7), b"\x80", b"\xfe", b"\0"))
        content[size_at : size_at + min(len(lie), body - size_at)] = lie[: body - size_at]
        return Variant(bytes(content), f"{name}: another size for element {number:#x}", name)
    fill = dice.choice((b"\0", b"\xff", b"\x7f", b"\x80"))
    size = min(end - body, 8)
    content[body : body + size] = fill * size
    return Variant(bytes(content), f"{name}: element {number:#x} is all {fill!r}", name)


def _riff(material: Material, dice: Random, index: int) -> Variant:
    name = ("mpeg4.avi", "mjpeg.avi")[index % 2]
    content = bytearray(material.clips[name])
    turns = [(kind, offset) for kind, offsets in _RIFF_PLACES.items() for offset in offsets]
    kind, offset = turns[index % len(turns)]
    value = (0, 0xFFFF_FFFF, 0x7FFF_FFFF)[index // len(turns)] if index < 3 * len(turns) else (
        dice.choice(_EXTREMES)
    )  # fmt: skip
    at = content.index(kind) + offset
    content[at : at + 4] = pack("<I", value)
    return Variant(bytes(content), f"{name}: {value:#x} at {offset} in {kind!r}", name)


def _transport(material: Material, dice: Random, index: int) -> Variant:
    name = ("h264.ts", "hevc.ts")[index % 2]
    content = bytearray(material.clips[name])
    packets = len(content) // 188
    # The first packets hold the tables of programs and streams.
    for _ in range(dice.choice((1, 2, 8))):
        start = 188 * dice.randrange(min(packets, 3 if dice.random() < 0.6 else packets))
        at = start + dice.randrange(1, 30)
        content[at] = dice.choice((0, 0xFF, 0x7F, 0x80, dice.randrange(256)))
    return Variant(bytes(content), f"{name}: wrong bytes in the heads of packets", name)
