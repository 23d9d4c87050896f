import pytest

from core.errors import ConfigInvalid
from worker.settings import Device, WorkerSettings
from worker.slot import load_runtime


def test_the_environment_is_read_and_given_values_stand(monkeypatch, tmp_path):
    monkeypatch.setenv("POSELIFT_DEVICE", "cpu")
    monkeypatch.setenv("POSELIFT_VRAM_BUDGET_MIB", "512")
    settings = WorkerSettings.read(data_dir=tmp_path, redis_url=None)
    assert (settings.device, settings.vram_budget_mib) == (Device.CPU, 512)
    assert settings.data_dir == tmp_path
    assert settings.redis_url.startswith("redis://")


def test_a_wrong_value_names_its_variable(monkeypatch):
    monkeypatch.setenv("POSELIFT_LEASE_S", "soon")
    with pytest.raises(ConfigInvalid, match="POSELIFT_LEASE_S"):
        WorkerSettings.read()


def test_a_gpu_is_not_to_decode_in_a_box(monkeypatch):
    monkeypatch.setenv("POSELIFT_DECODE_ON", "auto")
    with pytest.raises(ConfigInvalid, match="turn the sandbox off"):
        load_runtime(WorkerSettings.read(), "poselift")
