"""Tells what a file is from its first bytes. Names and extensions are never trusted.

Needs no decoder, so whoever accepts uploads can refuse what is plainly no video.

Source: ISO/IEC 14496-12 (boxes), RFC 8794 (EBML), Microsoft's RIFF, ISO/IEC 13818-1 (188-byte
transport packets).
"""

from enum import StrEnum

from core.errors import CodecUnsupported, NotAVideo, VideoHasNoPictures

HEAD_BYTES = 1024
"""How much of a file's beginning ``sniff`` wants to see; less will do for a short file."""

READABLE = "MP4, MOV, MKV, WebM, AVI or MPEG-TS"

_ISO_BOXES = {b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"free", b"skip", b"wide", b"pnot"}
_STILL_BRANDS = {b"mif1", b"msf1", b"heic", b"heix", b"heim", b"heis", b"avif"}
_EBML = b"\x1a\x45\xdf\xa3"
_SOUND = (b"ID3", b"fLaC", b"\xff\xfb", b"\xff\xf3", b"\xff\xf1", b"\xff\xf9")
_OTHER_VIDEO = {
    b"OggS": "Ogg",
    b"FLV": "Flash video",
    b"\x30\x26\xb2\x75": "Windows Media",
    b".RMF": "RealMedia",
    b"\x00\x00\x01\xba": "MPEG program stream",
    b"GIF8": "GIF",
}


class Container(StrEnum):
    """The file formats that are read."""

    MP4 = "mp4"
    MOV = "mov"
    MKV = "mkv"
    WEBM = "webm"
    AVI = "avi"
    TS = "ts"


def sniff(head: bytes) -> Container:
    """Which container begins with these bytes.

    Raises:
        NotAVideo: empty, a picture, a playlist, text, or anything else that is no video.
        VideoHasNoPictures: a sound file.
        CodecUnsupported: a video, but in a container that is not read.
    """
    if not head:
        raise NotAVideo("The file is empty.")
    found = _iso(head) or _matroska(head) or _avi(head) or _transport_stream(head)
    if found is not None:
        return found
    if head.startswith(_SOUND) or (head[:4] == b"RIFF" and head[8:12] == b"WAVE"):
        raise VideoHasNoPictures("This is a sound file. Upload a video with pictures.")
    for signature, name in _OTHER_VIDEO.items():
        if head.startswith(signature):
            raise CodecUnsupported(f"{name} files are not read. Convert the video to {READABLE}.")
    raise NotAVideo(f"The file's content is not a video. Upload {READABLE}.")


def _iso(head: bytes) -> Container | None:
    kind, brand = head[4:8], head[8:12]
    if kind not in _ISO_BOXES:
        return None
    if kind == b"ftyp" and brand in _STILL_BRANDS:
        raise NotAVideo("This is a still picture (HEIF or AVIF), not a video.")
    # Classic QuickTime has no ftyp box, or the brand "qt".
    return Container.MP4 if kind in {b"ftyp", b"styp"} and brand != b"qt  " else Container.MOV


def _matroska(head: bytes) -> Container | None:
    if not head.startswith(_EBML):
        return None
    return Container.WEBM if b"\x42\x82\x84webm" in head[:128] else Container.MKV


def _avi(head: bytes) -> Container | None:
    return Container.AVI if head[:4] == b"RIFF" and head[8:12] == b"AVI " else None


def _transport_stream(head: bytes) -> Container | None:
    # Plain packets are 188 bytes; cameras put a 4-byte timestamp before each (M2TS).
    for offset, size in ((0, 188), (4, 192)):
        starts = range(offset, min(len(head), offset + 3 * size), size)
        if len(starts) == 3 and all(head[start] == 0x47 for start in starts):
            return Container.TS
    return None
