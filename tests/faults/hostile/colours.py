"""Pixel formats and codecs that are rarely met: those that are read, and those that are refused."""

from random import Random

from tests.faults.hostile.clips import make
from tests.faults.hostile.variant import Material, Variant

_FORMATS = (
    ("h264", "yuv444p10le"), ("hevc", "gray"), ("vp9", "yuv440p"), ("mjpeg", "yuvj444p"),
    ("av1", "yuv420p10le"), ("ffv1", "yuv420p16le"), ("h264", "gray"), ("hevc", "gbrp12le"),
    ("vp9", "gbrp"), ("h264", "yuv422p"), ("hevc", "yuv422p12le"), ("vp9", "yuv444p"),
    ("h264", "yuv420p10le"), ("hevc", "gray12le"), ("mjpeg", "yuvj422p"), ("h264", "nv16"),
    ("libx264rgb", "rgb24"), ("hevc", "yuv444p"), ("vp9", "yuva420p"), ("h264", "yuvj420p"),
    ("prores_ks", "yuva444p10le"), ("mpeg2video", "yuv422p"), ("libvpx", "yuv420p"),
    ("rawvideo", "uyvy422"), ("png", "rgba"), ("huffyuv", "rgb24"), ("dnxhd", "yuv422p"),
    ("msmpeg4", "yuv420p"), ("wmv2", "yuv420p"), ("flv", "yuv420p"), ("snow", "yuv410p"),
    ("utvideo", "gbrp"), ("cinepak", "rgb24"), ("rawvideo", "gray"), ("jpeg2000", "rgb48le"),
    ("qtrle", "argb"), ("h263", "yuv420p"),
)  # fmt: skip
_SPECIAL = {
    "dnxhd": {"size": (1920, 1080), "frames": 2, "options": {"b": "120M"}},
    "snow": {"options": {"strict": "experimental"}},
    "h263": {"size": (176, 144)},
}
_SUFFIXES = dict.fromkeys(("wmv2", "flv", "utvideo", "cinepak", "huffyuv"), ".avi") | (
    dict.fromkeys(("qtrle", "png", "dnxhd"), ".mov")
)


def coloured(material: Material, dice: Random, index: int) -> Variant:
    """A small video in an unusual pixel format or codec."""
    codec, pixel_format = _FORMATS[index % len(_FORMATS)]
    recipe = {"frames": 4 + index // len(_FORMATS)} | _SPECIAL.get(codec, {})
    suffix = _SUFFIXES.get(codec, ".mkv")
    content = make(material.folder, "odd", suffix, codec=codec, pixel_format=pixel_format, **recipe)
    return Variant(content, f"{codec} in {pixel_format}", f"clip{suffix}")
