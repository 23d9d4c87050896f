"""Honest small videos, one of each kind that is read: what everything hostile is derived from."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tests.videos import make_video

_PLAIN: dict[str, Any] = {"size": (64, 48), "frames": 12}
_FRAGMENTED = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}

_RECIPES: dict[str, tuple[str, dict[str, Any]]] = {
    "h264.mp4": (".mp4", {"codec": "h264"}),
    "vp9.webm": (".webm", {"codec": "vp9"}),
    "mpeg4.avi": (".avi", {"codec": "mpeg4"}),
    "h264.ts": (".ts", {"codec": "h264"}),
    "mjpeg.mov": (".mov", {"codec": "mjpeg"}),
    "h264.mkv": (".mkv", {"codec": "h264", "with_audio": True}),
    "hevc.mp4": (".mp4", {"codec": "hevc"}),
    "fragments.mp4": (".mp4", {"codec": "h264", "gop": 4, "muxer_options": _FRAGMENTED}),
    "av1.mp4": (".mp4", {"codec": "av1"}),
    "mjpeg.avi": (".avi", {"codec": "mjpeg"}),
    "sound.mp4": (".mp4", {"codec": "h264", "with_audio": True}),
    "turned.mov": (".mov", {"codec": "h264", "rotation_deg": 90, "b_frames": 2}),
    "hevc.ts": (".ts", {"codec": "hevc", "with_audio": True}),
    "av1.mkv": (".mkv", {"codec": "av1"}),
}


def black(index: int, width: int, height: int) -> np.ndarray:
    """A picture that compresses to almost nothing."""
    return np.zeros((height, width, 3), np.uint8)


def make(folder: Path, name: str, suffix: str, **recipe: Any) -> bytes:
    """Encode a clip and take it off the disk again; twice the same gives the same bytes."""
    muxing = {"fflags": "+bitexact"} | recipe.pop("muxer_options", {})
    path = make_video(folder / f"{name}{suffix}", muxer_options=muxing, **(_PLAIN | recipe))
    content = path.read_bytes()
    path.unlink()
    return content


def honest_clips(folder: Path) -> Mapping[str, bytes]:
    """Every honest clip by name.

    Args:
        folder: used while they are encoded; nothing stays in it.
    """
    return dict(_encoded(folder))


def _encoded(folder: Path) -> Iterator[tuple[str, bytes]]:
    for name, (suffix, recipe) in _RECIPES.items():
        yield name, make(folder, "honest", suffix, **recipe)
