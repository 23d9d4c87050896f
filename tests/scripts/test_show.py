from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.chunks import PoseChunk
from core.results.manifest import Manifest, Quality, Source
from core.results.writer import ResultWriter
from scripts.cli import main
from tests.core.chunk_makers import make_poses
from tests.videos import make_video


@pytest.fixture
def result(tmp_path: Path) -> Path:
    with ResultWriter(tmp_path / "pose.npz") as writer:
        joints = np.random.default_rng(0).normal(0, 0.4, (1, 5, 28, 3)).astype(np.float32)
        chunk: PoseChunk = make_poses(joints)
        writer.append(chunk)
        source = Source(filename="a.mp4", width_px=640, height_px=480)
        return writer.finish(Manifest(source=source, quality=Quality(notes=("reentry",))))


def test_it_writes_a_picture_and_a_film_beside_the_result(
    result: Path, capsys: pytest.CaptureFixture[str]
):
    assert main(["show", str(result), "--height", "120"]) == 0
    said = capsys.readouterr().out
    assert "5 frames" in said
    assert "reentry" in said
    assert sorted(p.name for p in result.parent.iterdir()) == ["pose.mp4", "pose.npz", "pose.png"]


def test_the_name_or_a_flag_picks_one(result: Path, tmp_path: Path):
    assert main(["show", str(result), "-o", str(tmp_path / "x.png")]) == 0
    with Image.open(tmp_path / "x.png") as picture:
        assert picture.width == 1600
    assert main(["show", str(result), "--picture"]) == 0
    assert not result.with_suffix(".mp4").exists()


@pytest.mark.parametrize(
    ("flags", "status", "code"),
    [
        (["-o", "x.gif"], 2, "option_invalid"),
        (["-o", "x.png", "--video-out"], 2, "option_invalid"),
        (["--height", "7"], 2, "option_out_of_range"),
        (["--video", "missing.mp4"], 1, ""),
    ],
)
def test_wrong_usage_is_explained(
    result: Path, capsys: pytest.CaptureFixture[str], flags: list[str], status: int, code: str
):
    assert main(["show", str(result), *flags]) == status
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert code in said


def test_a_file_that_is_no_result_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "x.npz"
    path.write_bytes(b"no")
    assert main(["show", str(path)]) == 1
    assert "result_invalid" in capsys.readouterr().err


def test_the_video_is_never_written_over(result: Path, capsys: pytest.CaptureFixture[str]):
    video = result.with_suffix(".mp4")
    make_video(video, size=(160, 120), frames=5)
    before = video.read_bytes()
    assert main(["show", str(result), "--video", str(video), "--height", "120"]) == 0
    assert video.read_bytes() == before
    assert result.with_suffix(".pose.mp4").exists()
    assert main(["show", str(result), "--video", str(video), "-o", str(video)]) == 2
    assert "is the video itself" in capsys.readouterr().err
    assert video.read_bytes() == before
