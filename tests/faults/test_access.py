"""Nobody in: without a key, with another's key, from another machine, or at a name not ours."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from redis import Redis

from core.contracts import JobState
from core.store.api_keys import ApiKeys
from core.store.keys import new_id
from core.store.ledger import JobLedger
from scripts import cli
from scripts.ports import claim_port
from server.app import create_app
from server.exposure import Exposure, check_exposure
from server.settings import ServerSettings
from tests.faults.callers import FromElsewhere, client, id_of, new_key, submit, unlike
from tests.faults.serving import served, settings_for
from tests.integration.stack import ROOT
from tests.server.clips import MP4, code
from tests.server.running import RunningServer
from tests.waiting import wait_for

EVERYWHERE = "0.0.0.0"  # noqa: S104
OPEN = {"/healthz", "/readyz"}
"""For whoever looks whether the service is well; they say nothing about jobs."""


@pytest.fixture
def server(redis_url: str, tmp_path: Path) -> Iterator[RunningServer]:
    with served(settings_for(redis_url, tmp_path)) as server:
        yield server


@pytest.fixture
def anna(server: RunningServer, redis: Redis) -> Iterator[httpx.Client]:
    with client(server.url, new_key(redis)) as api:
        yield api


@pytest.fixture
def bert(server: RunningServer, redis: Redis) -> Iterator[httpx.Client]:
    with client(server.url, new_key(redis)) as api:
        yield api


def operations(app: Any) -> list[tuple[str, str]]:
    paths = app.openapi()["paths"]
    return [(method.upper(), path) for path in paths for method in paths[path]]


def test_every_route_asks_for_a_key(
    server: RunningServer, redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    """Routes that are yet to be written as well, unless they are named above."""
    new_key(redis)
    asked = operations(create_app(settings_for(redis_url, tmp_path)))
    assert len(asked) >= 12
    with client(server.url) as stranger, client(server.url, "poselift_x") as liar:
        for method, path in asked:
            here = path.replace("{job_id}", new_id()).replace("{filename}", "clip.mp4")
            if path in OPEN:
                assert stranger.request(method, here).status_code in (200, 503)
                continue
            refused = stranger.request(method, here)
            assert code(refused) == (401, "api_key_required"), path
            assert refused.headers["www-authenticate"].startswith("Bearer")
            assert code(liar.request(method, here)) == (401, "api_key_invalid"), path


@pytest.mark.parametrize("scheme", ["Bearer {key}", "bearer  {key}"])
def test_a_key_lets_in(server: RunningServer, redis: Redis, scheme: str) -> None:
    header = scheme.format(key=new_key(redis))
    assert (
        httpx.get(f"{server.url}/jobs", headers={"Authorization": header}, timeout=60).status_code
        == 200
    )


@pytest.mark.parametrize("scheme", ["Basic {key}", "{key}", "Bearer", "Bearer {key}x", "\xff"])
def test_nothing_else_does(server: RunningServer, redis: Redis, scheme: str) -> None:
    header = scheme.format(key=new_key(redis)).encode("latin-1")
    refused = httpx.get(f"{server.url}/jobs", headers={b"Authorization": header}, timeout=60)
    assert code(refused) == (401, "api_key_invalid")


def test_a_key_in_the_address_is_none(server: RunningServer, redis: Redis) -> None:
    refused = httpx.get(f"{server.url}/jobs", params={"api_key": new_key(redis)}, timeout=60)
    assert code(refused) == (401, "api_key_required")


def test_anothers_job_is_like_one_that_never_was(
    anna: httpx.Client, bert: httpx.Client, redis: Redis
) -> None:
    job_id, nobodys = submit(anna), new_id()
    for method, path in [
        ("GET", "/jobs/{}"),
        ("GET", "/jobs/{}?wait=1"),
        ("GET", "/jobs/{}/events"),
        ("GET", "/jobs/{}/result"),
        ("HEAD", "/jobs/{}/result"),
        ("GET", "/jobs/{}/frames"),
        ("DELETE", "/jobs/{}"),
    ]:
        refused = bert.request(method, path.format(job_id))
        assert refused.status_code == 404
        unknown = bert.request(method, path.format(nobodys))
        assert unlike(refused, job_id) == unlike(unknown, nobodys)
    assert anna.get(f"/jobs/{job_id}").json()["state"] == "queued"
    record = JobLedger(redis, retention_s=600).get(job_id)
    assert not record.cancel_requested
    assert f"Bearer poselift_{record.owner}_" in anna.headers["authorization"]


def test_lists_show_ones_own(anna: httpx.Client, bert: httpx.Client) -> None:
    mine = [submit(anna), submit(anna)]
    theirs = submit(bert)
    assert [job["id"] for job in anna.get("/jobs").json()["jobs"]] == mine[::-1]
    assert [job["id"] for job in bert.get("/jobs?state=queued").json()["jobs"]] == [theirs]
    first = anna.get("/jobs?limit=1").json()
    second = anna.get("/jobs", params={"limit": 1, "cursor": first["next"]}).json()
    assert [page["jobs"][0]["id"] for page in (first, second)] == mine[::-1]
    assert "owner" not in anna.get("/jobs").text


def test_idempotency_keys_are_ones_own(anna: httpx.Client, bert: httpx.Client) -> None:
    repeated = {"Idempotency-Key": "the same"}
    mine = submit(anna, **repeated)
    assert submit(bert, **repeated) != mine
    assert submit(anna, **repeated) == mine


def test_jobs_of_a_cancel_and_a_result_reach_their_owner(
    anna: httpx.Client, bert: httpx.Client, redis: Redis
) -> None:
    job_id = submit(anna)
    assert anna.delete(f"/jobs/{job_id}").status_code == 202
    assert anna.get(f"/jobs/{job_id}").json()["state"] == "canceled"
    assert anna.delete(f"/jobs/{job_id}").status_code == 204
    assert JobLedger(redis, retention_s=600).counts()[JobState.CANCELED] == 0


class TestKeysComeAndGo:
    def test_a_new_one_works_at_once_and_the_first_closes_the_door(
        self, server: RunningServer, redis: Redis
    ) -> None:
        with client(server.url) as stranger:
            assert stranger.get("/jobs").status_code == 200
            new_key(redis)
            wait_for(lambda: stranger.get("/jobs").status_code == 401)
        for _ in range(3):
            with client(server.url, new_key(redis)) as api:
                assert api.get("/jobs").status_code == 200

    def test_a_revoked_one_ends_soon_and_the_last_opens_nothing(
        self, server: RunningServer, redis: Redis
    ) -> None:
        key = new_key(redis)
        with client(server.url, key) as api, client(server.url) as stranger:
            job_id = submit(api)
            ApiKeys(redis).revoke(id_of(key))
            wait_for(lambda: api.get(f"/jobs/{job_id}").status_code == 401)
            assert code(api.get("/jobs")) == (401, "api_key_invalid")
            assert code(stranger.get("/jobs")) == (401, "api_key_required")

    def test_a_replaced_one_keeps_its_jobs(self, server: RunningServer, redis: Redis) -> None:
        key = new_key(redis)
        with client(server.url, key) as before:
            job_id = submit(before)
            replaced = ApiKeys(redis).replace(id_of(key))
            assert replaced is not None
            wait_for(lambda: before.get("/jobs").status_code == 401)
        with client(server.url, replaced[1]) as after:
            assert after.get(f"/jobs/{job_id}").status_code == 200


class TestStrangers:
    def test_without_keys_other_machines_are_refused(self, redis_url: str, tmp_path: Path) -> None:
        server = RunningServer(settings_for(redis_url, tmp_path), protocol=FromElsewhere)
        try:
            for answer in (
                httpx.get(f"{server.url}/jobs", timeout=60),
                httpx.post(f"{server.url}/jobs", content=MP4, timeout=60),
                httpx.get(f"{server.url}/metrics", timeout=60),
            ):
                assert code(answer) == (401, "api_key_required")
                assert "poselift keys create" in answer.json()["detail"]
            assert httpx.get(f"{server.url}/healthz", timeout=60).status_code == 200
        finally:
            server.stop()

    def test_with_a_key_they_are_not(self, redis: Redis, redis_url: str, tmp_path: Path) -> None:
        server = RunningServer(settings_for(redis_url, tmp_path), protocol=FromElsewhere)
        try:
            with client(server.url, new_key(redis), Host="poses.example.org") as api:
                assert api.get("/jobs").status_code == 200
        finally:
            server.stop()

    def test_insecure_is_what_it_says(self, redis: Redis, redis_url: str, tmp_path: Path) -> None:
        settings = settings_for(redis_url, tmp_path, insecure=True)
        server = RunningServer(settings, protocol=FromElsewhere)
        try:
            assert httpx.get(f"{server.url}/jobs", timeout=60).status_code == 200
            new_key(redis)  # keys count, whatever was said
            wait_for(lambda: httpx.get(f"{server.url}/jobs", timeout=60).status_code == 401)
        finally:
            server.stop()


class TestStart:
    @pytest.mark.parametrize("host", [EVERYWHERE, "::"])
    def test_serve_refuses_another_address(
        self, redis_url: str, host: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert cli.main(["serve", "--host", host, "--redis-url", redis_url]) == 1
        said = capsys.readouterr().err
        assert said.endswith("[server_unprotected]\n")
        for way_out in ("poselift keys create", "127.0.0.1", "--insecure"):
            assert way_out in said

    def test_up_refuses_it_before_anything_else_is_started(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        words = ["up", "--host", EVERYWHERE, "--port", str(claim_port("127.0.0.1", 0))]
        assert cli.main([*words, "--data-dir", str(tmp_path), "--device", "cpu"]) == 1
        said = capsys.readouterr()
        assert said.err.endswith("[server_unprotected]\n")
        assert "is ready" not in said.out

    def test_what_docker_starts_is_let_start(
        self, redis_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """In a container the API cannot know that its port is published on loopback only."""
        image = (ROOT / "docker" / "Dockerfile").read_text()
        assert 'CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]' in image
        api = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())["services"]["api"]
        assert all(port.startswith("127.0.0.1:") for port in api["ports"])
        for name, value in api["environment"].items():
            monkeypatch.setenv(name, value)
        insecure = ServerSettings.read().insecure
        found = check_exposure(redis_url, host=EVERYWHERE, insecure=insecure)
        assert found is Exposure.INSECURE
