import pytest

from core.errors import ConfigInvalid
from worker.settings import Device, WorkerSettings


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
