from pathlib import Path

import numpy as np
import pytest

from scripts.cli import main


@pytest.fixture
def keypoints(tmp_path: Path) -> Path:
    path = tmp_path / "K.npz"
    points = np.random.default_rng(0).uniform(100, 300, (4, 17, 2))
    np.savez(path, keypoints=points, fps=30.0, width=640, height=480)
    return path


def refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["lift", *words]) == 2
    return capsys.readouterr().err


def test_the_input_is_never_written_over(keypoints: Path, capsys: pytest.CaptureFixture[str]):
    before = keypoints.read_bytes()
    words = ["--keypoints", str(keypoints), "--layout", "coco17", "-o", str(keypoints)]
    assert "is the input itself" in refused(words, capsys)
    assert keypoints.read_bytes() == before


@pytest.mark.parametrize("flags", [["--stride", "2"], ["--max-persons", "2"], ["--start-s", "1"]])
def test_an_option_without_effect_is_refused(
    keypoints: Path, capsys: pytest.CaptureFixture[str], flags: list[str]
):
    words = ["--keypoints", str(keypoints), "--layout", "coco17", *flags]
    said = refused(words, capsys)
    assert flags[0] in said
    assert "no effect" in said


def test_own_keypoints_are_lifted(keypoints: Path):
    assert main(["lift", "--keypoints", str(keypoints), "--layout", "coco17", "-q"]) == 0
    with np.load(keypoints.with_suffix(".pose.npz"), allow_pickle=False) as pose:
        assert pose["joints_3d"].shape == (1, 4, 28, 3)
        assert np.isfinite(pose["joints_3d"]).all()


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ([], "Name one VIDEO"),
        (["a.mp4", "--layout", "coco17"], "belong together"),
        (["a.mp4", "-o", "x.txt"], "x.npz"),
    ],
)
def test_wrong_usage_is_explained(
    words: list[str], reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "a.mp4").write_bytes(b"")
    assert reason in refused([w.replace("a.mp4", str(tmp_path / "a.mp4")) for w in words], capsys)


@pytest.mark.parametrize("threads", ["0", "-1", "many"])
def test_threads_are_a_number_of_at_least_one(threads: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as caught:
        main(["lift", "a.mp4", f"--threads={threads}"])
    assert caught.value.code == 2
    assert "no number of threads" in capsys.readouterr().err
