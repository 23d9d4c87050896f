import pytest

from core.contracts import LIFT_QUEUE
from core.errors import ConfigInvalid
from worker.settings import LifterBackend, WorkerSettings
from worker.slot import load_runtime


def test_torch_lifts_unless_the_environment_says_otherwise(monkeypatch):
    assert WorkerSettings.read().lifter_backend is LifterBackend.TORCH
    monkeypatch.setenv("POSELIFT_LIFTER_BACKEND", "onnx")
    assert WorkerSettings.read().lifter_backend is LifterBackend.ONNX


def test_a_backend_that_there_is_not_names_the_variable(monkeypatch):
    monkeypatch.setenv("POSELIFT_LIFTER_BACKEND", "tensorrt")
    with pytest.raises(ConfigInvalid, match="POSELIFT_LIFTER_BACKEND"):
        WorkerSettings.read()


def test_the_worker_passes_it_on():
    """Only ONNX Runtime refuses a GPU in these words, and before any model is loaded."""
    with pytest.raises(ConfigInvalid, match="the backend torch"):
        load_runtime(WorkerSettings.read(device="cuda", lifter_backend="onnx"), LIFT_QUEUE)
