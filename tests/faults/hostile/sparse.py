"""Files with nothing in them, hardly anything, or nothing that is a moving picture."""

from collections.abc import Callable
from io import BytesIO
from random import Random

import av
import numpy as np
from PIL import Image

from tests.faults.hostile.boxes import box, with_body
from tests.faults.hostile.clips import make
from tests.faults.hostile.variant import Material, Variant
from tests.videos import ENCODERS, FORMATS

_SUFFIXES = tuple(FORMATS)


def sparse(material: Material, dice: Random, index: int) -> Variant:
    """Something that is hardly a video."""
    name, trick = _TRICKS[index % len(_TRICKS)]
    suffix = _SUFFIXES[index // len(_TRICKS) % len(_SUFFIXES)]
    return Variant(trick(material, suffix), f"{name} ({suffix})", f"clip{suffix}")


def _one_frame(material: Material, suffix: str) -> bytes:
    codec = {".webm": "vp9", ".mkv": "av1", ".mov": "mjpeg", ".avi": "mpeg4"}.get(suffix, "h264")
    return make(material.folder, "one", suffix, codec=codec, frames=1)


def _no_frame(material: Material, suffix: str) -> bytes:
    path, exact = material.folder / "none", {"fflags": "+bitexact"}
    with av.open(str(path), "w", format=FORMATS[suffix], options=exact) as output:
        encoder = "libvpx-vp9" if suffix == ".webm" else "mpeg4"
        stream = output.add_stream(encoder, rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 48, ENCODERS["mpeg4"][1]
        output.start_encoding()
    return path.read_bytes()


def _sound_only(material: Material, suffix: str) -> bytes:
    if suffix == ".webm":
        suffix = ".mkv"
    return make(material.folder, "sound", suffix, audio_only=True)


def _cover(material: Material, suffix: str) -> bytes:
    path = material.folder / "cover"
    with av.open(str(path), "w", format="mp4") as output:
        sound = output.add_stream("mp2", rate=48_000)
        cover = output.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        picture = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), "rgb24")
        output.mux(cover.encode(picture))
        output.mux(cover.encode(None))
        for start in range(0, 48_000, 1152):
            silence = av.AudioFrame.from_ndarray(np.zeros((1, 2304), np.int16), "s16", "stereo")
            silence.sample_rate, silence.pts = 48_000, start
            output.mux(sound.encode(silence))
        output.mux(sound.encode(None))
    return path.read_bytes()


def _other_kind(material: Material, suffix: str) -> bytes:
    """A picture track that calls itself something else, so that only data is left."""
    kind = (b"meta", b"text", b"tmcd", b"hint", b"\0\0\0\0", b"soun")[_SUFFIXES.index(suffix) % 6]
    return with_body(material.clips["h264.mp4"], b"hdlr", lambda body: body[:8] + kind + body[12:])


def _still(kind: str) -> Callable[[Material, str], bytes]:
    def still(material: Material, suffix: str) -> bytes:
        file = BytesIO()
        Image.new("RGB", (64, 64)).save(file, kind)
        return file.getvalue()

    return still


def _as_is(content: bytes) -> Callable[[Material, str], bytes]:
    return lambda material, suffix: content


def _only_head(material: Material, suffix: str) -> bytes:
    name = next(name for name in material.clips if name.endswith(suffix))
    return material.clips[name][:40]


def _random(material: Material, suffix: str) -> bytes:
    return material.clips["h264.mp4"][:32] + Random(suffix).randbytes(300_000)


_TRICKS: tuple[tuple[str, Callable[[Material, str], bytes]], ...] = (
    ("one picture", _one_frame),
    ("nothing at all", _as_is(b"")),
    ("no picture", _no_frame),
    ("sound only", _sound_only),
    ("a cover", _cover),
    ("a track of another kind", _other_kind),
    ("only its head", _only_head),
    ("noise behind a head", _random),
    ("one byte", _as_is(b"\0")),
    ("a JPEG picture", _still("JPEG")),
    ("an animated GIF", _still("GIF")),
    ("a WebP picture", _still("WEBP")),
    ("zeros", _as_is(bytes(200_000))),
    ("a box of nothing", _as_is(box(b"ftyp", b"isom\0\0\0\0") + box(b"moov"))),
    ("an empty film", _as_is(box(b"ftyp", b"isom\0\0\0\0") + box(b"mdat"))),
    ("a still in HEIF", _as_is(box(b"ftyp", b"heic\0\0\0\0mif1heic"))),
    ("an archive", _as_is(b"PK\x03\x04" + bytes(100))),
    ("a program", _as_is(b"\x7fELF\x02\x01\x01" + bytes(100))),
    ("a page", _as_is(b"<!DOCTYPE html><video src='/etc/passwd'>")),
)
