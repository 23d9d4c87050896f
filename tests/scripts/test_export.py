import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from core.checkpoints import save_lifter
from scripts.cli import main
from tests.core.export.lifters import tiny


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Tiny networks are slower on several threads, above all on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "mine.safetensors"
    save_lifter(path, tiny().model, "mine")
    return path


@pytest.fixture
def export(checkpoint, capsys):
    """Runs the command on small weights; its exit code and all it said."""

    def export(*words: str | Path) -> tuple[int, str]:
        status = main(["export", "--checkpoint", str(checkpoint), *map(str, words)])
        said = capsys.readouterr()
        return status, said.out + said.err

    return export


def test_both_formats_into_a_folder(export, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, said = export("--speed")
    assert status == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.onnx", "mine.pt"]
    onnx_bytes = (tmp_path / "mine.onnx").stat().st_size
    assert f"wrote mine.onnx, {onnx_bytes / 1e6:.1f} MB; differs from torch by at most" in said
    assert said.count("m (joints)") == said.count("x torch's time for 8 windows") == 2


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["--format", "torchscript"], ["mine.pt"]),
        (["--format", "ONNX", "-o", "new/folder"], ["new/folder/mine.onnx"]),
        (["-o", "lifter.pt"], ["lifter.pt"]),
        (["-o", "a/b.onnx", "--format", "onnx"], ["a/b.onnx"]),
    ],
)
def test_out_and_format_say_what_is_written(export, words, names, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert export(*words)[0] == 0
    written = [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()]
    assert written == names


def test_nothing_is_written_over_without_force(export, tmp_path):
    (tmp_path / "mine.pt").write_bytes(b"mine")
    status, said = export("-o", tmp_path)
    assert (status, said.count("\n")) == (1, 1)
    assert said.endswith("--force writes over it. [output_exists]\n")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.pt"]  # and no .onnx either
    assert export("-o", tmp_path / "mine.pt", "--force")[0] == 0
    assert (tmp_path / "mine.pt").stat().st_size > 100_000


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--format", "onyx"], "did you mean 'onnx'? [option_out_of_range]"),
        (["--format", "tflite"], "there are onnx, torchscript. [option_out_of_range]"),
        (["-o", "x.tflite"], "must end in .onnx or .pt. [option_invalid]"),
        (["-o", "x.onnx", "--format", "torchscript"], "must end in .pt. [option_invalid]"),
    ],
)
def test_wrong_usage_is_explained(export, words, reason, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, said = export(*words)
    assert (status, said.count("\n")) == (2, 1)
    assert said.endswith(f"{reason}\n")
    assert list(tmp_path.iterdir()) == []


def test_weights_that_cannot_be_read(export, tmp_path):
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"no weights")
    status, said = export("--checkpoint", broken, "-o", tmp_path)
    assert status == 1
    assert said.endswith("[checkpoint_invalid]\n")
    assert export("--checkpoint", tmp_path / "none.safetensors", "-o", tmp_path)[0] == 1
    assert list(tmp_path.iterdir()) == [broken]


def test_a_missing_package(export, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    status, said = export("-o", tmp_path)
    assert status == 1
    assert "pip install 'poselift[export]'" in said
    assert said.endswith("[extra_missing]\n")
    assert list(tmp_path.iterdir()) == []
    assert export("-o", tmp_path, "--format", "torchscript")[0] == 0
