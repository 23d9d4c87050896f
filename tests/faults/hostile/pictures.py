"""Still pictures made to break a decoder, to fill memory or to take time."""

import random
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image

_PNG = b"\x89PNG\r\n\x1a\n"
_MIB = 1 << 20


@dataclass(frozen=True)
class HostilePicture:
    """One file, and what it is."""

    label: str
    content: bytes


def hostile_pictures(seed: int = 0) -> Iterator[HostilePicture]:
    """A few dozen files; the same seed makes the same ones."""
    chance = random.Random(seed)
    honest = {kind: _honest(kind) for kind in ("JPEG", "PNG", "WEBP")}
    families = (
        _truncations(honest), _bit_flips(honest, chance), _lying_sizes(honest), _png_chunks(),
        _tags(), _jpeg_segments(honest["JPEG"]), _strangers(honest),
    )  # fmt: skip
    for family in families:
        for label, content in family:
            yield HostilePicture(label, content)


def _honest(kind: str) -> bytes:
    picture = Image.linear_gradient("L").resize((96, 64)).convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = 6
    content = BytesIO()
    picture.save(content, kind, exif=exif)
    return content.getvalue()


def _truncations(honest: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    for kind, content in honest.items():
        for share in (0.3, 0.95):
            yield f"{kind} cut at {share}", content[: int(share * len(content))]


def _bit_flips(honest: dict[str, bytes], chance: random.Random) -> Iterator[tuple[str, bytes]]:
    for kind, content in honest.items():
        for flips in (1, 40):
            damaged = bytearray(content)
            for _ in range(flips):
                damaged[chance.randrange(8, len(damaged))] ^= 1 << chance.randrange(8)
            yield f"{kind} with {flips} flips", bytes(damaged)


def _lying_sizes(honest: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    pixels = zlib.compress(bytes(64 * 3 + 1) * 64)
    for width, height in ((0, 64), (64, 65_000), (7000, 7000), (2**31 - 1, 1), (2**31 - 1,) * 2):
        yield f"PNG {width} x {height}", _png(_head(width, height), (b"IDAT", pixels))
    frame = honest["JPEG"].index(b"\xff\xc0") + 5
    for height, width in ((0, 96), (65_535, 700), (65_535, 65_535)):
        lying = bytearray(honest["JPEG"])
        lying[frame : frame + 4] = struct.pack(">HH", height, width)
        yield f"JPEG {width} x {height}", bytes(lying)
    canvas = honest["WEBP"].index(b"VP8X") + 12
    for side in (0, 0xFFFFFF):
        lying = bytearray(honest["WEBP"])
        lying[canvas : canvas + 6] = 2 * side.to_bytes(3, "little")
        yield f"WebP canvas of {side + 1}", bytes(lying)


def _png_chunks() -> Iterator[tuple[str, bytes]]:
    head, pixels = _head(64, 64), (b"IDAT", zlib.compress(bytes(64 * 3 + 1) * 64))
    bomb = zlib.compress(bytes(32 * _MIB))
    yield "PNG whose pixels never end", _png(head, (b"IDAT", bomb))
    yield "PNG with a text bomb", _png(head, (b"zTXt", b"a\0\0" + bomb), pixels)
    yield "PNG with a profile bomb", _png(head, (b"iCCP", b"a\0\0" + bomb), pixels)
    yield "PNG with many texts", _png(head, *[(b"tEXt", b"a\0" + bytes(900))] * 3000, pixels)
    yield "PNG without pixels", _png(head)
    yield "PNG with two heads", _png(head, _head(5000, 5000), pixels)
    yield "PNG with a chunk of 2 GiB", _png(head) + b"\x7f\xff\xff\xffIDATx"
    yield "PNG without a palette", _png(_head(64, 64, colors=3), pixels)
    yield "PNG of no known colors", _png(_head(64, 64, colors=5), pixels)
    frames = (b"acTL", struct.pack(">II", 2**31 - 1, 0))
    yield "PNG of two billion frames", _png(head, frames, pixels)
    window = struct.pack(">IIIIIHHBB", 0, 2**31 - 1, 2**31 - 1, 9, 9, 1, 1, 0, 0)
    yield "PNG with a frame outside", _png(head, frames, (b"fcTL", window), pixels)


def _tags() -> Iterator[tuple[str, bytes]]:
    """EXIF is a small TIFF, whose numbers point at places in it."""
    entries = {
        "points to itself": struct.pack("<HHHLL", 1, 0x8769, 4, 1, 8),
        "counts four billion": struct.pack("<HHHLL", 1, 0x0112, 3, 2**32 - 1, 2**32 - 1),
        "has 65535 tags": struct.pack("<H", 65_535) + bytes(40),
        "turns by words": struct.pack("<HHHLL", 1, 0x0112, 2, 9, 26) + bytes(4) + b"upsidedow",
        "turns by 9": struct.pack("<HHHLHH", 1, 0x0112, 3, 1, 9, 0),
    }
    for label, entry in entries.items():
        content = BytesIO()
        exif = b"Exif\0\0II*\0\x08\0\0\0" + entry + bytes(8)
        Image.new("RGB", (32, 24), "gray").save(content, "JPEG", exif=exif)
        yield f"JPEG whose EXIF {label}", content.getvalue()


def _jpeg_segments(honest: bytes) -> Iterator[tuple[str, bytes]]:
    yield "JPEG of comments", honest[:2] + b"\xff\xfe\xff\xff" * 20_000 + honest[2:]
    yield "JPEG of fill bytes", honest[:2] + b"\xff" * _MIB + honest[2:]
    yield "JPEG without tables", honest[:2] + honest[honest.index(b"\xff\xc0") :]
    mpf = b"MPF\0II*\0\x08\0\0\0" + struct.pack("<HHHLL", 1, 0xB001, 4, 1, 2**31)
    segment = b"\xff\xe2" + struct.pack(">H", len(mpf) + 2) + mpf
    yield "JPEG of two billion pictures", honest[:2] + segment + honest[2:]
    scans = BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8)
    Image.fromarray(noise).save(scans, "JPEG", progressive=True)
    content = scans.getvalue()
    last = content.rindex(b"\xff\xda")
    yield "JPEG of many scans", content[:-2] + content[last:-2] * 30 + content[-2:]


def _strangers(honest: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    for kind in ("GIF", "TIFF", "ICO"):
        content = BytesIO()
        Image.new("RGB", (32, 24), "gray").save(content, kind)
        yield f"{kind}", content.getvalue()
    yield "PNG's signature on a JPEG", _PNG + honest["JPEG"]
    yield "WebP's head alone", honest["WEBP"][:12] + bytes(100)
    yield "PostScript", b"%!PS-Adobe-3.0 EPSF-3.0\n(/etc/passwd) (r) file\n"


def _head(width: int, height: int, colors: int = 2) -> tuple[bytes, bytes]:
    return b"IHDR", struct.pack(">IIBBBBB", width, height, 8, colors, 0, 0, 0)


def _png(*chunks: tuple[bytes, bytes]) -> bytes:
    parts = [_PNG]
    for kind, body in (*chunks, (b"IEND", b"")):
        parts.append(struct.pack(">I", len(body)) + kind + body)
        parts.append(struct.pack(">I", zlib.crc32(kind + body)))
    return b"".join(parts)
