"""Pictures that are too large, too thin, of changing size, stretched, turned, or said to be so."""

from random import Random
from struct import pack

from tests.faults.hostile.boxes import body_of, box, with_body
from tests.faults.hostile.clips import black, make
from tests.faults.hostile.ebml import elements
from tests.faults.hostile.variant import Material, Variant
from tests.videos import huge

_SIDES = (20_000, 12_000, 65_535, 16_385, 9_000)
_EXTREMES = (
    (16_384, 8), (8, 16_384), (8, 8), (9, 9), (2, 2), (7, 64), (64, 7), (1, 1), (16_392, 16),
    (4096, 16), (33, 65), (4096, 2160), (1918, 1078), (129, 97),
)  # fmt: skip
_CLAIMS = (0, 1, 7, 0xFFFF, 0x7FFF, 16_385)
_PIXEL_WIDTH, _PIXEL_HEIGHT = 0xB0, 0xBA


def shaped(material: Material, dice: Random, index: int) -> Variant:
    """A picture of an unusual shape, or a header that says so."""
    kinds = (_huge, _extreme, _growing, _claimed, _stretched, _turned)
    return kinds[index % len(kinds)](material, dice, index // len(kinds))


def _huge(material: Material, dice: Random, index: int) -> Variant:
    side_px = _SIDES[index] if index < len(_SIDES) else dice.randrange(8000, 65_536)
    path = huge(material.folder / "huge.avi", side_px)
    content = path.read_bytes()
    path.unlink()
    return Variant(content, f"JPEG pictures that claim {side_px} px a side", "clip.avi")


def _extreme(material: Material, dice: Random, index: int) -> Variant:
    width, height = _EXTREMES[index % len(_EXTREMES)]
    codec = ("mpeg4", "mjpeg")[index // len(_EXTREMES) % 2]
    if codec == "mpeg4" and max(width, height) > 8191:
        codec = "mjpeg"
    size = (width, height)
    content = make(material.folder, "thin", ".avi", codec=codec, size=size, frames=3, picture=black)
    return Variant(content, f"{codec} of {width} x {height} px", "clip.avi")


def _growing(material: Material, dice: Random, index: int) -> Variant:
    """Transport streams may be joined by writing them one behind the other."""
    sizes = [(64, 48), (2048, 1024), (16, 16), (48, 64), (640, 360)]
    dice.shuffle(sizes)
    if index % 2 == 0:
        sizes.sort()
    parts = [
        make(material.folder, "part", ".ts", size=size, frames=4, b_frames=0) for size in sizes[:3]
    ]
    return Variant(b"".join(parts), f"pictures that change their size: {sizes[:3]}", "clip.ts")


def _claimed(material: Material, dice: Random, index: int) -> Variant:
    width, height = dice.choice(_CLAIMS), dice.choice(_CLAIMS)
    what = f"a header that claims {width} x {height} px"
    if index % 2:
        content = bytearray(material.clips[("h264.mkv", "vp9.webm")[index // 2 % 2]])
        for number, _, body, end in elements(bytes(content)):
            if number in (_PIXEL_WIDTH, _PIXEL_HEIGHT):
                value = width if number == _PIXEL_WIDTH else height
                content[body:end] = (value & (1 << 8 * (end - body)) - 1).to_bytes(
                    end - body, "big"
                )
        return Variant(bytes(content), what, "clip.mkv")

    def claim(body: bytes) -> bytes:
        at = 8 + 8 + 24  # entry count, the entry's own head, its fields before the size
        return body[:at] + pack(">HH", width, height) + body[at + 4 :]

    name = ("h264.mp4", "mjpeg.mov", "av1.mp4")[index // 2 % 3]
    return Variant(with_body(material.clips[name], b"stsd", claim), what, name)


def _stretched(material: Material, dice: Random, index: int) -> Variant:
    """Pixels that are said to be a thousand times as wide as high, or nothing at all."""
    aspect = (
        (1, 65_535), (65_535, 1), (0, 0), (0, 1), (1, 0), (0x7FFF_FFFF, 1), (4, 1), (1, 4),
        (-1, 1), (16_383, 64),
    )[index % 10]  # fmt: skip

    def stretch(body: bytes) -> bytes:
        size, kind = body[8:12], body[12:16]
        entry = body[16 : 8 + int.from_bytes(size, "big")] + box(b"pasp", pack(">ii", *aspect))
        return body[:8] + box(kind, entry)

    content = material.clips["h264.mp4"]
    assert len(body_of(content, b"stsd")) > 16
    return Variant(with_body(content, b"stsd", stretch), f"pixels of shape {aspect}")


def _turned(material: Material, dice: Random, index: int) -> Variant:
    """The matrix that turns the picture, filled with anything."""
    matrix = (
        (0,) * 9,
        (0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000),
        (0x7FFFFFFF,) * 9,
        (-0x80000000,) * 9,
        (-0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000),
        (51_000, 40_000, 0, -40_000, 51_000, 0, 0, 0, 0x40000000),
        tuple(dice.randrange(-(2**31), 2**31) for _ in range(9)),
    )[index % 7]

    def turn(body: bytes) -> bytes:
        return body[:40] + pack(">9i", *matrix) + body[76:]

    return Variant(with_body(material.clips["h264.mp4"], b"tkhd", turn), f"a turn by {matrix}")
