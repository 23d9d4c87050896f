"""Times that stand still, run backward, jump, are missing, or cannot be expressed."""

from collections.abc import Callable
from random import Random
from struct import pack

from tests.faults.hostile.boxes import added, full_box, with_body
from tests.faults.hostile.ebml import elements
from tests.faults.hostile.variant import Family, Material, Variant

Stamps = Callable[[int, Random], int]

_STAMPS: tuple[tuple[str, Stamps], ...] = (
    ("all the same", lambda number, dice: 7),
    ("backward", lambda number, dice: 20_000 - 40 * number),
    ("negative", lambda number, dice: 40 * number - 30_000),
    ("random", lambda number, dice: dice.randrange(-32_768, 32_768)),
    ("with jumps", lambda number, dice: 40 * number + 20_000 * (number % 3 == 2)),
    ("in steps of one", lambda number, dice: number),
    ("to and fro", lambda number, dice: 1000 + 40 * (number ^ 1)),
)
_SIMPLE_BLOCK, _CLUSTER_TIME, _SCALE, _DEFAULT_DURATION = 0xA3, 0xE7, 0x2AD7B1, 0x23E383
_SCALES = (1, 2**40, 0, 10**9, 2**63 - 1)
_DELTAS = (
    (1, 0xFFFF_FFFF), (0x7FFF_FFFF, 1), (0x7FFF_FFFF, 0), (0, 0), (1000, 0xFFFF_FF00),
    (0xFFFF_FFFF, 0xFFFF_FFFF), (1, 1),
)  # fmt: skip
_RATES = ((0, 1), (1, 0), (0, 0), (1, 0x7FFF_FFFF), (0xFFFF_FFFF, 1), (1, 0xFFFF_FFFF), (1001, 1))


def ticking(material: Material, dice: Random, index: int) -> Variant:
    """A video with a clock that cannot be trusted, container after container."""
    kinds: tuple[Family, ...] = (_matroska, _deltas, _riff, _transport, _fragments, _shifts)
    return kinds[index % len(kinds)](material, dice, index // len(kinds))


def _matroska(material: Material, dice: Random, index: int) -> Variant:
    name = ("h264.mkv", "vp9.webm", "av1.mkv")[index % 3]
    what, stamp = _STAMPS[index % len(_STAMPS)]
    content, blocks = bytearray(material.clips[name]), 0
    scale = _SCALES[index // len(_STAMPS) % len(_SCALES)] if index >= len(_STAMPS) else None
    for number, _, body, end in elements(bytes(content)):
        if number == _SIMPLE_BLOCK:
            time = max(-32_768, min(32_767, stamp(blocks, dice)))
            content[body + 1 : body + 3] = pack(">h", time)
            blocks += 1
        if number in (_SCALE, _DEFAULT_DURATION) and scale is not None:
            size = end - body
            content[body:end] = (scale & (1 << 8 * size) - 1).to_bytes(size, "big")
        if number == _CLUSTER_TIME and index % 5 == 4:
            content[body:end] = b"\xff" * (end - body)
    return Variant(bytes(content), f"times {what}, in ticks of {scale or 'a millionth'}", name)


def _deltas(material: Material, dice: Random, index: int) -> Variant:
    ticks, delta = _DELTAS[index % len(_DELTAS)]
    name = ("h264.mp4", "mjpeg.mov", "turned.mov")[index // len(_DELTAS) % 3]
    content = with_body(
        material.clips[name], b"mdhd", lambda body: body[:12] + pack(">I", ticks) + body[16:]
    )
    table = pack(">IIIIII", 0, 2, 6, delta, 6, delta)
    content = with_body(content, b"stts", lambda _: table)
    return Variant(content, f"pictures of {delta:#x} ticks, {ticks:#x} ticks a second", name)


def _riff(material: Material, dice: Random, index: int) -> Variant:
    scale, rate = _RATES[index % len(_RATES)]
    name = ("mpeg4.avi", "mjpeg.avi")[index % 2]
    content = bytearray(material.clips[name])
    at = content.index(b"strh") + 28
    content[at : at + 8] = pack("<II", scale, rate)
    at = content.index(b"avih") + 8
    content[at : at + 4] = bytes(4)
    return Variant(bytes(content), f"{rate} pictures in {scale} s", name)


def _transport(material: Material, dice: Random, index: int) -> Variant:
    name = ("h264.ts", "hevc.ts")[index % 2]
    what, stamp = _STAMPS[index // 2 % len(_STAMPS)]
    content, found, at = bytearray(material.clips[name]), 0, 0
    while (at := content.find(b"\0\0\1\xe0", at + 1)) >= 0:
        if content[at + 7] & 0x80:  # there is a time
            ticks = (2**33 - 9000 + 3 * stamp(found, dice) * (1 + index % 7)) % 2**33
            content[at + 9 : at + 14] = _pes_time(content[at + 9] >> 4, ticks)
            found += 1
    return Variant(bytes(content), f"times {what}, around the end of the clock", name)


def _fragments(material: Material, dice: Random, index: int) -> Variant:
    start = (2**63, 2**64 - 1, 0, 2**31, 2**40, 2**62)[index % 6]
    count = 0

    def shift(body: bytes) -> bytes:
        nonlocal count
        count += 1
        return pack(">IQ", 1 << 24, start if index % 2 or count > 1 else 0)

    content = with_body(material.clips["fragments.mp4"], b"tfdt", shift)
    return Variant(content, f"fragments that begin at {start:#x}")


def _shifts(material: Material, dice: Random, index: int) -> Variant:
    """Times of presentation moved far from those of storage, and films that start elsewhere."""
    offsets = [
        dice.choice((0, 1, -1, 2**31 - 1, -(2**31), 90_000, -90_000, dice.randrange(-5000, 5000)))
        for _ in range(12)
    ]
    table = pack(">I", 12) + b"".join(pack(">Ii", 1, offset) for offset in offsets)
    content = material.clips[("h264.mp4", "mjpeg.mov")[index % 2]]
    content = added(content, b"stbl", full_box(b"ctts", table, version=1))
    start = dice.choice((-1, 0, 2**31 - 1, 512, -(2**31)))
    cut = pack(">IIIihh", 0, 1, dice.choice((0, 1, 1000, 2**32 - 1)), start, 1, 0)
    content = with_body(content, b"elst", lambda _: cut)
    return Variant(content, f"pictures moved by {offsets[:3]}..., from {start} on")


def _pes_time(mark: int, ticks: int) -> bytes:
    """A time as PES headers have it: 33 bits in five bytes (ISO/IEC 13818-1, 2.4.3.7)."""
    return bytes(
        (
            mark << 4 | (ticks >> 30 & 7) << 1 | 1,
            ticks >> 22 & 0xFF,
            (ticks >> 15 & 0x7F) << 1 | 1,
            ticks >> 7 & 0xFF,
            (ticks & 0x7F) << 1 | 1,
        )
    )
