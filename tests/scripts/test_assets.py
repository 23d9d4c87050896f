"""`poselift assets` on a cache that is filled here."""

import argparse

import pytest

from core.assets.cache import cached_path
from core.assets.manifest import ASSETS, POSE_DETECTOR
from core.errors import OptionOutOfRange
from scripts import assets


@pytest.fixture
def call(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")

    def call(*words):
        parser = argparse.ArgumentParser()
        assets.add_arguments(parser)
        code = assets.run(parser.parse_args([*words, "--cache", str(tmp_path)]))
        return code, capsys.readouterr().out

    return call


def test_list_names_every_file_its_package_and_licence(call, tmp_path):
    code, said = call("list")
    assert code == 0
    for asset in ASSETS:
        assert asset.name in said
        assert asset.package.requirement in said
        assert asset.licence in said
    assert str(tmp_path) in said


def test_verify_names_what_is_damaged_and_what_to_do(call, tmp_path):
    assert call("verify") == (0, "")
    path = cached_path(tmp_path, POSE_DETECTOR)
    path.parent.mkdir()
    path.write_bytes(b"not a network")
    code, said = call("verify")
    assert code == 1
    assert said == f"{POSE_DETECTOR.name}: damaged: `poselift assets fetch` replaces it\n"
    assert "damaged" in call("list")[1]


@pytest.mark.parametrize(("typed", "hint"), [("ful", "'full'"), ("lite,hevy", "'heavy'")])
def test_an_unknown_model_names_the_nearest(call, typed, hint):
    with pytest.raises(OptionOutOfRange, match=f"did you mean {hint}"):
        call("fetch", "--models", typed)


def test_the_cache_folder_may_come_from_the_environment(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("POSELIFT_CACHE_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("COLUMNS", "200")
    parser = argparse.ArgumentParser()
    assets.add_arguments(parser)
    assert assets.run(parser.parse_args(["list"])) == 0
    assert str(tmp_path / "elsewhere") in capsys.readouterr().out
