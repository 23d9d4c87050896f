"""Made-up and damaged files: whatever they are, they end in facts or in a coded refusal.

The short form tries few examples, always the same ones; ``make fuzz`` tries thousands at random.
"""

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.errors import LiftError
from core.video.containers import open_video
from core.video.frames import VideoLimits
from core.video.signatures import HEAD_BYTES, Container, sniff
from core.video.stream import VideoFacts, probe
from tests.faults.fuzzing import examples
from tests.faults.hostile.clips import honest_clips
from tests.faults.hostile.damage import flipped, inserted
from tests.faults.hostile.lies import lying
from tests.faults.hostile.variant import Bait, Material
from tests.faults.made_up import containers

STARTS = (
    b"\0\0\0\x18ftypisom", b"\0\0\0\x14ftypqt  ", b"\0\0\0\x18ftypheic", b"\0\0\0\x08wide",
    b"\0\0\0\x08moov", b"\x1a\x45\xdf\xa3", b"RIFF\0\0\0\0AVI ", b"RIFF\0\0\0\0WAVE", b"OggS",
    b"ID3", b"fLaC", b"FLV\x01", b"\0\0\x01\xba", b"GIF89a", b"#EXTM3U\n", b"G" + bytes(187),
    bytes(4) + b"G" + bytes(187), b"<?xml ", b"\xff\xd8\xff",
)  # fmt: skip


REFUSALS = {"not_a_video", "video_audio_only", "codec_unsupported"}


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    folder = tmp_path_factory.mktemp("clips")
    bait = Bait(folder / "none", "http://127.0.0.1:9", 9, folder / "touched")
    return Material(honest_clips(folder), bait, folder)


def result_of(call: Callable[[], object]) -> object:
    """What it returns, or the coded error that it raises; any other error fails the test."""
    try:
        return call()
    except LiftError as error:
        return error


def probed(path: Path, content: bytes) -> object:
    path.write_bytes(content)
    found = result_of(lambda: probe(path))
    if isinstance(found, LiftError):
        assert found.code != LiftError.code
        assert found.detail.endswith((".", "?"))
        assert str(path.parent) not in found.detail
    return found


@examples(80, share=0.5)
@given(content=containers)
def test_made_up_containers(content: bytes, tmp_path: Path) -> None:
    probed(tmp_path / "made", content)


@examples(60, share=0.5)
@given(
    make=st.sampled_from((flipped, inserted, lying)),
    index=st.integers(0, 10_000),
    seed=st.integers(0, 2**32),
)
def test_real_videos_with_lies(make, index, seed, material: Material, tmp_path: Path) -> None:
    content = make(material, random.Random(seed), index).content
    found = probed(tmp_path / "lie", content)
    if isinstance(found, VideoFacts):
        limits = VideoLimits()
        assert limits.min_side_px <= min(found.width_px, found.height_px)
        assert max(found.width_px, found.height_px) <= limits.max_side_px
        assert found.duration_s is None or 0 < found.duration_s <= limits.max_duration_s
        assert found.average_fps is None or found.average_fps > 0


def test_a_probe_is_judged_by_real_videos(material: Material, tmp_path: Path) -> None:
    """Else the fuzzing could pass because nothing is ever read."""
    for name, content in material.clips.items():
        assert isinstance(probed(tmp_path / "clip", content), VideoFacts), name
    with open_video(tmp_path / "clip", VideoLimits()) as video:
        assert video.codec == "av1"


@examples(200)
@given(st.sampled_from(STARTS), st.binary(max_size=HEAD_BYTES), st.booleans())
@example(b"", b"", True)
@example(b"G", b"", True)
def test_signatures(start: bytes, rest: bytes, is_joined: bool) -> None:
    head = (start + rest if is_joined else rest + start)[:HEAD_BYTES]
    found = result_of(lambda: sniff(head))
    assert isinstance(found, Container) or getattr(found, "code", "") in REFUSALS
