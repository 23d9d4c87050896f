import json
from pathlib import Path

import pytest
import torch

from core.checkpoints import load_lifter, save_lifter
from core.evaluation.protocols import PROTOCOLS
from core.evaluation.scoring import UNITS
from core.evaluation.whole_clips import CONDITIONS
from core.regions import SigmaRegions
from scripts.cli import main
from scripts.evaluate import PROTOCOL_NAMES
from tests.core.models.inputs import make_lifter
from tests.core.training.format_files import write_videopose3d
from tests.core.training.motion_files import write_motion


@pytest.fixture(autouse=True)
def _one_thread():
    """On a busy machine, threads that share one small network wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def motion(tmp_path: Path) -> Path:
    return write_motion(tmp_path / "motion.npz", subjects=("02", "09", "01"))


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    save_lifter(tmp_path / "tiny.safetensors", make_lifter(), "tiny")
    return tmp_path / "tiny.safetensors"


def test_flags_name_the_protocols_that_there_are():
    assert set(PROTOCOL_NAMES) == set(PROTOCOLS)


def test_it_prints_tables_and_writes_json(
    motion: Path, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    out = tmp_path / "scores.json"
    flags = ["--motion", str(motion), "--checkpoint", str(checkpoint), "--clips", "20"]
    wide = ["--per-joint", "--per-action", "--json", str(out)]
    assert main(["evaluate", "--device", "cpu", *flags, *wide]) == 0
    said = capsys.readouterr().out
    assert "clips: 2; 540 of 540 poses predicted (100.0%)" in said
    words = ("pa_mpjpe", "left_knee", "within the 90% region", "mm/s", "note: subjects 01")
    for word in (*words, "averaged with the mirror image", "law of training, not measured"):
        assert word in said
    scores = json.loads(out.read_text())
    assert (scores["protocol"], scores["lifter"]["name"]) == ("cmu-heldout", "tiny")
    assert list(scores["cases"]) == [
        "clean", "noisy", "hinted", "clean, coco17", "clean, h36m17",
        "clean, focal length told", "noisy, focal length told", "hinted, focal length told",
        "clean, coco17, focal length told", "clean, h36m17, focal length told",
    ]  # fmt: skip
    clean = scores["cases"]["clean"]
    assert set(clean["overall"]) == set(UNITS) == set(scores["units"])
    mpjpe = clean["overall"]["mpjpe"]
    assert mpjpe["low"] <= mpjpe["value"] <= mpjpe["high"]

    again = tmp_path / "again.json"
    assert main(["evaluate", "--device", "cpu", *flags, "--json", str(again)]) == 0
    assert again.read_text() == out.read_text()


def test_whole_clips_with_a_reliability_plot(
    motion: Path, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    calibrated = tmp_path / "honest.safetensors"
    regions = SigmaRegions((1.0, 2.0, 3.0, 4.0), "two walkers")
    save_lifter(calibrated, load_lifter(checkpoint).model, "honest", regions)
    flags = ["--protocol", "cmu-clips", "--motion", str(motion), "--checkpoint", str(calibrated)]
    outs = ["--reliability", str(tmp_path / "plot.svg"), "--json", str(tmp_path / "scores.json")]
    more = ["--clips", "1", "--by-sigma", "--device", "cpu"]
    assert main(["evaluate", *flags, *outs, *more]) == 0
    said = capsys.readouterr().out
    assert "blended and smoothed" in said
    assert "regions of sigma: two walkers" in said
    assert "sigma, cm" in said
    assert (tmp_path / "plot.svg").read_text().startswith("<?xml")
    cases = json.loads((tmp_path / "scores.json").read_text())["cases"]
    assert set(cases) == {*CONDITIONS, "all"}
    assert len(cases["clean"]["sigma_bins"]) == 6
    assert cases["clean"]["sigma_bins"][-1]["to_m"] is None


def test_pictures_of_a_datasets_clips(checkpoint: Path, tmp_path: Path):
    truth, keypoints = write_videopose3d(tmp_path, "h36m", ["S9", "S11"])
    flags = ["--protocol", "h36m", "--data", str(truth), "--keypoints", str(keypoints)]
    outs = ["--checkpoint", str(checkpoint), "--plots", str(tmp_path / "plots")]
    assert main(["evaluate", *flags, *outs, "--device", "cpu"]) == 0
    drawn = sorted(path.name for path in (tmp_path / "plots").iterdir())
    assert drawn == [f"S9_and_S11-{why}.png" for why in ("first", "median", "worst")]


@pytest.mark.parametrize(
    ("flags", "status", "code"),
    [
        ([], 2, "needs --motion"),
        (["--motion", "x.npz", "--data", "y"], 2, "has no --data"),
        (["--protocol", "h36m", "--motion", "x.npz"], 2, "needs --data"),
        (["--motion", "x.npz", "--clips", "0"], 2, "option_out_of_range"),
        (["--motion", "x.npz", "--seed", "-1"], 2, "option_out_of_range"),
        (["--motion", "x.npz"], 1, "motion_invalid"),
        (["--motion", "x.npz", "--reliability", "plot.jpg"], 2, "must end in"),
        (["--motion", "x.npz", "--video", "v.mp4"], 2, "--video has an effect only with --peer"),
        (["--peer", "mediapipe", "--motion", "x.npz"], 2, "--motion has no effect beside --peer"),
        (["--peer", "mediapipe"], 2, "needs a --reference for each --video"),
        (["--peer", "mediapipe", "--video", "v.mp4"], 2, "there are 0 for 1"),
        (["--peer", "mediapipe", "--video", "no.mp4", "--reference", "r.npz"], 1, "no file no.mp4"),
        (["--protocol", "h36m", "--data", "x.npz", "--keypoints", "y.npz"], 1, "dataset_invalid"),
        (["--motion", "x.npz", "--checkpoint", "no.safetensors"], 1, "checkpoint_invalid"),
    ],
)
def test_wrong_usage_is_explained(
    checkpoint: Path, capsys: pytest.CaptureFixture[str], flags: list[str], status: int, code: str
):
    given = [] if "--checkpoint" in flags else ["--checkpoint", str(checkpoint)]
    assert main(["evaluate", "--device", "cpu", *given, *flags]) == status
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert code in said
