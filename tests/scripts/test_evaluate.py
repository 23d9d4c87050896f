import json
from pathlib import Path

import pytest
import torch

from core.checkpoints import save_lifter
from core.evaluation.protocols import PROTOCOLS
from core.evaluation.scoring import UNITS
from scripts.cli import main
from scripts.evaluate import PROTOCOL_NAMES
from tests.core.models.inputs import make_lifter
from tests.core.training.motion_files import write_motion


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
    for word in ("pa_mpjpe", "left_knee", "within the 90% region", "mm/s", "note: subjects 01"):
        assert word in said
    scores = json.loads(out.read_text())
    assert (scores["protocol"], scores["lifter"]["name"]) == ("cmu-heldout", "tiny")
    assert set(scores["cases"]) == {"clean", "noisy"}
    clean = scores["cases"]["clean"]
    assert set(clean["overall"]) == set(UNITS) == set(scores["units"])
    mpjpe = clean["overall"]["mpjpe"]
    assert mpjpe["low"] <= mpjpe["value"] <= mpjpe["high"]

    again = tmp_path / "again.json"
    assert main(["evaluate", "--device", "cpu", *flags, "--json", str(again)]) == 0
    assert again.read_text() == out.read_text()


@pytest.mark.parametrize(
    ("flags", "status", "code"),
    [
        ([], 2, "needs --motion"),
        (["--motion", "x.npz", "--data", "y"], 2, "has no --data"),
        (["--protocol", "h36m", "--motion", "x.npz"], 2, "needs --data"),
        (["--motion", "x.npz", "--clips", "0"], 2, "option_out_of_range"),
        (["--motion", "x.npz", "--seed", "-1"], 2, "option_out_of_range"),
        (["--motion", "x.npz"], 1, "motion_invalid"),
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
