"""Names and texts that mean something to a shell, a file system, a header or a terminal."""

from random import Random
from struct import pack

from tests.faults.hostile import ebml
from tests.faults.hostile.boxes import added, box
from tests.faults.hostile.variant import Bait, Material, Variant


def named(material: Material, dice: Random, index: int) -> Variant:
    """An honest video under a name that is none, or with one in its metadata."""
    names = _names(material.bait)
    trick = names[index % len(names)]
    if index // len(names) % 2 == 0:
        clip, content = material.pick(dice, index)
        return Variant(content, f"{clip} under another name", trick)
    text = trick.encode("utf-8", "surrogatepass")
    if dice.random() < 0.5:
        return Variant(_in_notes(material, text), f"{trick[:60]!r} as its title")
    return Variant(_in_tags(material, text), f"{trick[:60]!r} as its title", "clip.mkv")


def _names(bait: Bait) -> list[str]:
    return [
        "../../../../../../etc/passwd",
        str(bait.touched),
        f"$(touch {bait.touched})",
        f"{bait.url}/secret.mp4",
        f"concat:{bait.file}|{bait.file}",
        f"a\r\nX-Injected: 1\r\n\r\n{bait.url}",
        f"`touch {bait.touched}`",
        f"; touch {bait.touched} ;",
        f"| touch {bait.touched}",
        f"subfile,,start,0,end,9,,:{bait.file}",
        f"file:{bait.file}",
        "clip%03d.mp4",
        "-i.mp4",
        "--help",
        "a\0b.mp4",
        "a" * 5000 + ".mp4",
        "..",
        ".",
        "/",
        "~/clip.mp4",
        "C:\\Windows\\win.ini",
        "\\\\127.0.0.1\\share\\a.mp4",
        "CON.mp4",
        '"; filename="b.mp4',
        "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "%s%s%s%n%x",
        "{0.__class__}",
        "{{7*7}}${7*7}<%= 7*7 %>",
        "<script>alert(1)</script>.mp4",
        "' OR 1=1; --.mp4",
        "\x1b[2J\x1b]0;title\x07.mp4",
        "\u202e4pm.exe",
        "\ufeff\u200b\u2028.mp4",
        "\U0001f3ac" * 200,
        "\ud800.mp4",
        "jobs:*\r\nFLUSHALL\r\n",
    ]


def _in_notes(material: Material, text: bytes) -> bytes:
    notes = b"".join(
        box(kind, box(b"data", pack(">II", 1, 0), text))
        for kind in (b"\xa9nam", b"\xa9too", b"\xa9cmt", b"----")
    )
    kind = box(b"hdlr", bytes(8), b"mdirappl", bytes(9))
    meta = box(b"udta", box(b"meta", bytes(4), kind, box(b"ilst", notes)))
    return added(material.clips["h264.mp4"], b"moov", meta)


def _in_tags(material: Material, text: bytes) -> bytes:
    simple = ebml.element(0x67C8, ebml.element(0x45A3, b"DURATION"), ebml.element(0x4487, text))
    titled = ebml.element(0x67C8, ebml.element(0x45A3, text), ebml.element(0x4487, text))
    tag = ebml.element(0x7373, ebml.element(0x63C0), simple, titled)
    return ebml.spliced(material.clips["h264.mkv"], ebml.TRACKS, ebml.element(ebml.TAGS, tag))
