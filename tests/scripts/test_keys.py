"""`poselift keys`: keys for a running Redis, and for one that only runs with `poselift up`."""

from pathlib import Path

import httpx
import pytest
from redis import Redis

from core.store.api_keys import ApiKeys, matching
from core.store.connection import connect
from core.store.embedded import EmbeddedRedis
from scripts import cli
from tests.server.running import RunningServer


@pytest.fixture
def run(redis_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    """Runs a `poselift keys` command on the test's Redis; status, stdout and stderr."""
    monkeypatch.setenv("POSELIFT_REDIS_URL", redis_url)

    def run(*words: str) -> tuple[int, str, str]:
        status = cli.main(["keys", *words])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def test_only_the_key_goes_to_standard_output(run, redis: Redis):
    status, out, err = run("create", "lab [1]")
    assert status == 0
    key = out.strip()
    found = matching(ApiKeys(redis).all(), key)
    assert found is not None
    assert found.name == "lab [1]"
    assert key not in err
    assert "first key" in err
    assert "lab [1]" in err
    assert "first key" not in run("create", "another")[2]


def test_a_list_shows_no_secrets(run, redis: Redis):
    key = run("create", "lab")[1].strip()
    _, key_id, secret = key.split("_")
    status, out, err = run("list")
    assert status == 0
    assert key_id in out
    assert "lab" in out
    assert secret not in out + err


def test_revoking_replacing_and_forgetting(run, redis: Redis):
    key = run("create", "lab")[1].strip()
    key_id = key.split("_")[1]
    new = run("replace", key_id)[1].strip()
    assert matching(ApiKeys(redis).all(), key) is None
    assert matching(ApiKeys(redis).all(), new) is not None
    assert run("revoke", key_id)[0] == 0
    assert matching(ApiKeys(redis).all(), new) is None
    status, _, err = run("forget", key_id)
    assert status == 0
    assert "requests need none" in err


@pytest.mark.parametrize("action", ["revoke", "replace", "forget"])
def test_an_unknown_key_is_one_line(run, action: str):
    status, out, err = run(action, "feed")
    assert (status, out) == (1, "")
    assert "poselift keys list" in err
    assert err.endswith("[config_invalid]\n")


@pytest.mark.parametrize("name", ["", "x" * 81, "a\nb"])
def test_a_name_is_a_short_line(run, name: str):
    status, out, err = run("create", name)
    assert (status, out) == (1, "")
    assert err.endswith("[config_invalid]\n")


@pytest.mark.parametrize("depth", [0, 3])
def test_the_redis_of_a_data_folder_is_found_whether_it_runs_or_not(
    tmp_path: Path, monkeypatch, capsys, depth: int
):
    """Also where its socket lies elsewhere, because the folder's path is too long for it."""
    monkeypatch.delenv("POSELIFT_REDIS_URL", raising=False)
    folder = tmp_path.joinpath(*["x" * 40] * depth)
    assert cli.main(["keys", "--data-dir", str(folder), "create", "before"]) == 0
    with EmbeddedRedis(folder / "redis") as server:
        # `poselift up` holds this lock while it runs.
        from filelock import FileLock

        with FileLock(folder / "redis" / "lock"):
            assert cli.main(["keys", "--data-dir", str(folder), "create", "during"]) == 0
        with connect(server.url) as redis:
            assert [key.name for key in ApiKeys(redis).all().values()] == ["before", "during"]
    assert len(capsys.readouterr().out.split()) == 2


class TestSubmit:
    @pytest.fixture
    def video(self, tmp_path: Path) -> Path:
        from tests.server.clips import MP4

        path = tmp_path / "clip.mp4"
        path.write_bytes(MP4)
        return path

    def test_it_sends_the_key(
        self, server: RunningServer, run, video: Path, tmp_path: Path, monkeypatch, capsys
    ):
        key = run("create", "lab")[1].strip()
        words = ["submit", str(video), "--server", server.url]
        assert cli.main(words) == 1
        assert "[api_key_required]" in capsys.readouterr().err

        file = tmp_path / "key.txt"
        file.write_text(f"{key}\n")
        assert cli.main([*words, "--api-key-file", str(file)]) == 0
        monkeypatch.setenv("POSELIFT_API_KEY", key)
        assert cli.main(words) == 0
        said = capsys.readouterr().err
        assert 'curl -H "Authorization: Bearer $POSELIFT_API_KEY"' in said
        assert key not in said
        answer = httpx.get(
            f"{server.url}/jobs", headers={"Authorization": f"Bearer {key}"}, timeout=60
        )
        assert len(answer.json()["jobs"]) == 2

    @pytest.mark.parametrize("text", ["hunter2", "poselift_12", "Bearer x\r\nX-Evil: 1"])
    def test_what_is_no_key_is_not_sent_nor_shown(
        self, server: RunningServer, video: Path, monkeypatch, capsys, text: str
    ):
        monkeypatch.setenv("POSELIFT_API_KEY", text)
        assert cli.main(["submit", str(video), "--server", server.url]) == 1
        said = capsys.readouterr().err
        assert "POSELIFT_API_KEY" in said
        assert text not in said
