"""Small files that become very large: in memory, in pictures, or in time.

Each is a few kilobytes. What they cost if nothing stops them is in ``what``.
"""

import zlib
from collections.abc import Callable
from random import Random
from struct import pack

from tests.faults.hostile import ebml
from tests.faults.hostile.boxes import added, body_of, box, full_box, with_body
from tests.faults.hostile.clips import black, make
from tests.faults.hostile.variant import Material, Variant

Bomb = Callable[[Material, int], tuple[bytes, str]]


def exploding(material: Material, dice: Random, index: int) -> Variant:
    """One of the bombs, larger each time around."""
    bomb = _BOMBS[index % len(_BOMBS)]
    content, what = bomb(material, index // len(_BOMBS))
    return Variant(content, what)


def _index(material: Material, turn: int) -> tuple[bytes, str]:
    """One line of a table says that all pictures have one size, and how many there are."""
    count = (3, 40, 170)[turn % 3] * 1_000_000
    content = with_body(material.clips["mjpeg.mov"], b"stsz", lambda _: pack(">III", 0, 1, count))
    content = with_body(content, b"stsc", lambda _: pack(">IIIII", 0, 1, 1, count, 1))
    content = with_body(content, b"stts", lambda _: pack(">IIII", 0, 1, count, 1))
    return content, f"an index of {count} pictures"


def _run(material: Material, turn: int) -> tuple[bytes, str]:
    """A fragment may leave out everything about its pictures but their number."""
    count = (3, 40, 170)[turn % 3] * 1_000_000
    content = with_body(
        material.clips["fragments.mp4"], b"trun", lambda _: pack(">III", 1, count, 0)
    )
    return content, f"fragments of {count} pictures"


def _cuts(material: Material, turn: int) -> tuple[bytes, str]:
    """An edit list that shows the same pictures again and again."""
    count = (100, 60_000, 500_000)[turn % 3]
    duration = int.from_bytes(body_of(material.clips["h264.mp4"], b"mvhd")[16:20], "big")
    body = pack(">II", 0, count) + pack(">Iihh", duration, 0, 1, 0) * count
    content = material.clips["h264.mp4"]
    return with_body(content, b"elst", lambda _: body), f"{count} cuts that repeat the film"


def _zipped_header(material: Material, turn: int) -> tuple[bytes, str]:
    """QuickTime headers may be compressed, and zeros compress a thousandfold."""
    claimed = (64 << 20, 512 << 20, 0xFFFF_FFF0)[turn % 3]
    squeezed = zlib.compress(bytes(min(claimed, 64 << 20)), 9)
    film = box(
        b"moov",
        box(b"cmov", box(b"dcom", b"zlib"), box(b"cmvd", pack(">I", claimed), squeezed)),
    )
    return box(b"ftyp", b"qt  \0\0\0\0qt  ") + film, f"a header of {claimed} bytes, compressed"


def _same_picture(material: Material, turn: int) -> tuple[bytes, str]:
    """Every position of the table leads to the same black picture."""
    side_px, count = ((1024, 40), (4096, 100_000), (8192, 500_000))[turn % 3]
    clip = make(
        material.folder,
        "black",
        ".mp4",
        codec="h264",
        size=(side_px, side_px),
        frames=1,
        picture=black,
    )
    position = body_of(clip, b"stco")[8:12]
    size = body_of(clip, b"stsz")[4:8]
    rate = body_of(clip, b"stts")[12:16]
    for kind, body in (
        (b"stco", pack(">II", 0, count) + position * count),
        (b"stsz", bytes(4) + size + pack(">I", count)),
        (b"stts", pack(">III", 0, 1, count) + rate),
        (b"stsc", pack(">IIIII", 0, 1, 1, 1, 1)),
    ):
        clip = with_body(clip, kind, lambda _, body=body: body)
    return _uncut(clip), f"{count} pictures of {side_px} px a side, all the same one"


def _uncut(content: bytes) -> bytes:
    """With an edit list that shows everything there is."""
    return with_body(content, b"elst", lambda _: pack(">IIIihh", 0, 1, 2**31 - 1, 0, 1, 0))


def _zipped_blocks(material: Material, turn: int) -> tuple[bytes, str]:
    """Matroska may compress every block; each of these becomes nine megabytes."""
    count = (50, 1000, 20_000)[turn % 3]
    block = zlib.compress(bytes(9_000_000), 9)
    entry = ebml.element(
        ebml.TRACK_ENTRY,
        ebml.unsigned(0xD7, 1),
        ebml.unsigned(0x73C5, 1),
        ebml.unsigned(0x83, 1),
        ebml.element(0x86, b"V_MJPEG"),
        ebml.element(
            ebml.CONTENT_ENCODINGS,
            ebml.element(
                0x6240,
                ebml.unsigned(0x5031, 0),
                ebml.unsigned(0x5032, 1),
                ebml.unsigned(0x5033, 0),
                ebml.element(0x5034, ebml.unsigned(0x4254, 0)),
            ),
        ),
        ebml.element(ebml.VIDEO, ebml.unsigned(0xB0, 64), ebml.unsigned(0xBA, 48)),
    )
    blocks = [
        ebml.element(0xA3, b"\x81" + pack(">hB", number % 30_000, 0x80) + block)
        for number in range(min(count, 1000))
    ]
    head = ebml.element(ebml.HEAD, ebml.element(0x4282, b"matroska"))
    body = ebml.element(ebml.TRACKS, entry) + ebml.element(ebml.CLUSTER, ebml.unsigned(0xE7, 0),
                                                           *blocks)  # fmt: skip
    segment = ebml.element(ebml.SEGMENT, ebml.element(0x1549A966, ebml.unsigned(0x2AD7B1, 10**6)))
    return head + segment[:4] + b"\x01" + b"\xff" * 7 + segment[12:] + body, (
        f"{len(blocks)} blocks of {len(block)} bytes that become 9 MB each"
    )


def _slow(material: Material, turn: int) -> tuple[bytes, str]:
    """A day between the first picture and the last, or as long as a number can say."""
    last_s = (80_000, 86_300, 10**9)[turn % 3]
    content = make(
        material.folder, "slow", ".mkv", codec="h264", times_s=[0, 1, 2, last_s], frames=4
    )
    return content, f"four pictures in {last_s} s"


def _many_samples(material: Material, turn: int) -> tuple[bytes, str]:
    """Notes and tables that say how much memory is to be set aside for them."""
    count = (0x0FFF_FFFF, 0x1FFF_FFFF, 0x7FFF_FFFF)[turn % 3]
    tables = b"".join(
        full_box(kind, pack(">II", 1, count)) for kind in (b"sbgp", b"sgpd", b"saiz", b"saio")
    )
    return added(material.clips["h264.mp4"], b"stbl", tables), f"tables of {count} lines"


def _fast(material: Material, turn: int) -> tuple[bytes, str]:
    """Very many tiny pictures: hours of them."""
    count = (2000, 400_000, 2_000_000)[turn % 3]
    clip = material.clips["mjpeg.mov"]
    position, size = body_of(clip, b"stco")[8:12], body_of(clip, b"stsz")[12:16]
    rate = body_of(clip, b"stts")[12:16]
    for kind, body in (
        (b"stco", pack(">II", 0, count) + position * count),
        (b"stsz", bytes(4) + size + pack(">I", count)),
        (b"stts", pack(">III", 0, 1, count) + rate),
        (b"stsc", pack(">IIIII", 0, 1, 1, 1, 1)),
    ):
        clip = with_body(clip, kind, lambda _, body=body: body)
    return _uncut(clip), f"{count} tiny pictures"


_BOMBS: tuple[Bomb, ...] = (
    _same_picture, _index, _run, _cuts, _zipped_header, _zipped_blocks, _slow, _many_samples, _fast,
)  # fmt: skip
