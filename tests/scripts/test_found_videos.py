from pathlib import Path

import pytest

from core.errors import ConfigInvalid, NotAVideo
from scripts.found_videos import plan_errands


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("clip.mp4", "clip.MOV", "sub/clip.mp4", "sub/readme.txt"):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return tmp_path / "in"


def results(*paths: Path, out: Path | None = None) -> list[str]:
    return sorted(str(errand.result) for errand in plan_errands(paths, out))


def test_results_keep_folders_and_never_collide(folder):
    assert results(folder, out=Path("out")) == [
        "out/clip.MOV.npz",
        "out/clip.mp4.npz",
        "out/sub/clip.npz",
    ]


def test_a_named_file_is_taken_whatever_its_name(folder):
    assert results(folder / "sub" / "readme.txt") == ["readme.npz"]


def test_the_same_video_twice_is_one_errand(folder):
    video = folder / "sub" / "clip.mp4"
    assert results(video, video) == ["clip.npz"]


def test_same_names_from_different_folders_do_not_collide(folder):
    both = results(folder / "clip.mp4", folder / "sub" / "clip.mp4")
    assert len(set(both)) == 2


def test_one_file_for_many_videos_is_refused(folder):
    with pytest.raises(ConfigInvalid, match="3 videos"):
        plan_errands([folder], Path("x.npz"))


def test_what_is_not_there_is_said_so(tmp_path):
    with pytest.raises(NotAVideo, match="not there"):
        plan_errands([tmp_path / "x.mp4"], None)
    with pytest.raises(NotAVideo, match="no video"):
        plan_errands([tmp_path], None)
