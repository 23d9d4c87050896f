"""Files that hold far more streams than anybody films."""

from dataclasses import replace
from random import Random
from struct import pack

from tests.faults.hostile.boxes import Box, read_boxes, write_boxes
from tests.faults.hostile.ebml import TRACK_ENTRY, TRACKS, element, elements, spliced
from tests.faults.hostile.variant import Family, Material, Variant

_COUNTS = (1000, 65, 64, 200, 10_000, 3000, 20)


def crowded(material: Material, dice: Random, index: int) -> Variant:
    """A video with many streams, in each container that can hold them."""
    kinds: tuple[Family, ...] = (_tracks, _entries, _lists, _programs)
    return kinds[index % 4](material, dice, index // 4)


def _tracks(material: Material, dice: Random, index: int) -> Variant:
    count = _COUNTS[index % len(_COUNTS)]
    name = ("h264.mp4", "sound.mp4", "mjpeg.mov")[index % 3]

    def grown(one: Box) -> Box:
        if one.kind != b"moov":
            return one
        track = next(inner for inner in one.inner if inner.kind == b"trak")
        return replace(one, inner=(*one.inner, *[track] * (count - 1)))

    content = write_boxes(tuple(grown(one) for one in read_boxes(material.clips[name])))
    return Variant(content, f"{count} tracks", name)


def _entries(material: Material, dice: Random, index: int) -> Variant:
    count = _COUNTS[index % len(_COUNTS)]
    clip = material.clips["h264.mkv"]
    _, size_at, _, end = next(e for e in elements(clip) if e[0] == TRACK_ENTRY)
    entry = clip[size_at - 1 : end]
    tracks = b"".join(entry for _ in range(count - 1))
    # Tracks may stand in several lists.
    content = spliced(clip, TRACKS, element(TRACKS, tracks))
    return Variant(content, f"{count} tracks", "clip.mkv")


def _lists(material: Material, dice: Random, index: int) -> Variant:
    count = min(3000, _COUNTS[index % len(_COUNTS)])  # each takes four kilobytes
    clip = material.clips["mpeg4.avi"]
    at = clip.index(b"strl") - 8
    size = int.from_bytes(clip[at + 4 : at + 8], "little") + 8
    head_at = clip.index(b"hdrl") - 4
    head_size = int.from_bytes(clip[head_at : head_at + 4], "little")
    content = bytearray(clip[:at] + clip[at : at + size] * count + clip[at + size :])
    content[head_at : head_at + 4] = pack("<I", head_size + (count - 1) * size)
    content[4:8] = pack("<I", len(content) - 8)
    return Variant(bytes(content), f"{count} streams", "clip.avi")


def _programs(material: Material, dice: Random, index: int) -> Variant:
    """Tables that name a program on every second packet identifier, and streams in each."""
    count = _COUNTS[index % len(_COUNTS)]
    clip = material.clips["h264.ts"]
    packets = []
    programs = min(240, count // 30 + 1)
    entries = [pack(">HH", number + 1, 0xE000 | 0x1000 + number) for number in range(programs)]
    for start in range(0, programs, 40):
        packets.append(_packet(0, _section(0, b"".join(entries[start : start + 40]))))
    for number in range(programs):
        streams = b"".join(
            pack(">BHH", 0x1B, 0xE000 | (0x100 + number * 30 + n) % 0x1FF0, 0xF000)
            for n in range(min(30, count))
        )
        table = _section(2, pack(">HH", 0xE100, 0xF000) + streams, number + 1)
        packets.append(_packet(0x1000 + number, table))
    return Variant(b"".join(packets) + clip, f"{count} streams in {programs} programs", "clip.ts")


def _section(table: int, body: bytes, extension: int = 1) -> bytes:
    head = pack(">BHHBBB", table, 0xB000 | len(body) + 9, extension, 0xC1, 0, 0)
    return head + body + pack(">I", _checksum(head + body))


def _packet(identifier: int, section: bytes) -> bytes:
    return (pack(">BHB", 0x47, 0x4000 | identifier, 0x10) + b"\0" + section).ljust(188, b"\xff")


def _checksum(content: bytes) -> int:
    """CRC-32 as MPEG has it: not reflected, not inverted (ISO/IEC 13818-1, annex A)."""
    crc = 0xFFFF_FFFF
    for byte in content:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04C1_1DB7 if crc & 0x8000_0000 else 0)) & 0xFFFF_FFFF
    return crc
