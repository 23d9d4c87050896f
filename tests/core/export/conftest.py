from pathlib import Path

import pytest
import torch

from core.checkpoints import LoadedLifter, save_lifter
from core.export.description import describe
from core.export.onnx_file import onnx_file
from core.export.torchscript import torchscript_file
from tests.core.export.lifters import tiny


@pytest.fixture(autouse=True)
def _one_thread():
    """Tiny networks are slower on several threads, above all on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def loaded() -> LoadedLifter:
    return tiny()


@pytest.fixture(scope="session")
def checkpoint(loaded, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save_lifter(path, loaded.model, loaded.name)
    return path


@pytest.fixture(scope="session")
def onnx_content(loaded) -> bytes:
    return onnx_file(loaded.model, describe(loaded))


@pytest.fixture(scope="session")
def torchscript_content(loaded) -> bytes:
    return torchscript_file(loaded.model, describe(loaded))
