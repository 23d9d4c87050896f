from pathlib import Path

import pytest
import torch

from core.checkpoints import load_lifter, save_lifter
from core.skeleton import BODY
from scripts.cli import main
from tests.core.models.inputs import make_inputs, make_lifter
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
    return write_motion(tmp_path / "motion.npz", subjects=("02", "09", "01"), frames=150)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    save_lifter(tmp_path / "tiny.safetensors", make_lifter(), "tiny")
    return tmp_path / "tiny.safetensors"


def test_it_writes_a_lifter_with_the_same_joints_an_honest_sigma_and_its_promise(
    motion: Path, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    words = ["calibrate", str(weights), "--motion", str(motion), "--clips", "2", "--device", "cpu"]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "fitted on subjects 01, measured on 09" in said
    assert "fitted on subjects 09, measured on 01" in said
    assert "mean of both" in said
    before, after = (
        load_lifter(tmp_path / f"tiny{suffix}.safetensors") for suffix in ("", ".calibrated")
    )
    assert before.regions is None
    assert after.regions is not None
    assert "subjects 01, 09" in str(after.regions.measured_on)
    assert after.name == "tiny"
    assert (before.config.circumstances, after.config.circumstances) == (False, True)
    coefficients = after.model.from_circumstances.weight
    assert coefficients.any()
    assert torch.equal(coefficients, coefficients[torch.from_numpy(BODY.mirror)])
    inputs = make_inputs(1, 4)
    assert torch.equal(before.model(*inputs).joints_m, after.model(*inputs).joints_m)
    assert not torch.equal(before.model(*inputs).sigma_m, after.model(*inputs).sigma_m)

    first = (tmp_path / "tiny.calibrated.safetensors").read_bytes()
    assert main(words) == 1
    assert "add --force" in capsys.readouterr().err
    assert main([*words, "--force"]) == 0
    assert (tmp_path / "tiny.calibrated.safetensors").read_bytes() == first


@pytest.mark.parametrize(
    ("flags", "status", "code"),
    [
        (["--clips", "0"], 2, "option_out_of_range"),
        (["--seed", "-1"], 2, "option_out_of_range"),
        (["--motion", "no.npz"], 1, "motion_invalid"),
    ],
)
def test_wrong_usage_is_explained(
    motion: Path,
    weights: Path,
    capsys: pytest.CaptureFixture[str],
    flags: list[str],
    status: int,
    code: str,
):
    assert main(["calibrate", str(weights), "--motion", str(motion), *flags]) == status
    assert code in capsys.readouterr().err


def test_one_subject_cannot_be_checked_on_another(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    alone = write_motion(tmp_path / "alone.npz", subjects=("02", "09"))
    assert main(["calibrate", str(weights), "--motion", str(alone)]) == 1
    assert "needs two at least" in capsys.readouterr().err
