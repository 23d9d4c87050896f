import logging

import pytest

from core.errors import ConfigInvalid
from worker.logs import MaskingFormatter, mask
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


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://:hunter2@host:6379/0", "redis://***@host:6379/0"),
        ("rediss://me:hunter2@host", "rediss://***@host"),
        ("redis://host:6379/0", "redis://host:6379/0"),
        ("unix:///tmp/redis.sock", "unix:///tmp/redis.sock"),
    ],
)
def test_passwords_are_masked(url, shown):
    assert mask(f"cannot reach {url}!") == f"cannot reach {shown}!"


def test_passwords_are_masked_in_tracebacks_too():
    try:
        raise ValueError("redis://u:hunter2@host")
    except ValueError as error:
        record = logging.LogRecord(
            "x", logging.ERROR, "", 0, "oh", None, (type(error), error, error.__traceback__)
        )
    line = MaskingFormatter().format(record)
    assert "ValueError" in line
    assert "hunter2" not in line
