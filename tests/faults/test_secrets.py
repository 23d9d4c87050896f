"""No secret stands in arguments, logs or answers; Redis may ask for a login, and be behind TLS."""

import shutil
from pathlib import Path

import httpx
import psutil
import pytest

from core.errors import LiftError, StoreUnavailable
from core.store.api_keys import ApiKeys
from core.store.connection import connect
from core.store.ledger import JobLedger
from scripts import cli
from scripts.deployment import Deployment, Site
from scripts.ports import claim_port
from tests.faults.callers import client, submit
from tests.faults.guarded_redis import PASSWORD, guarded, make_certificate, through_tls
from tests.faults.serving import ServerProcess, served, settings_for
from tests.scripts.test_deployment import fake_slot
from tests.server.clips import MP4, code
from tests.server.sending import send
from tests.waiting import wait_for

pytestmark = pytest.mark.slow


def arguments_of_family(pid: int) -> str:
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    return "\n".join(" ".join(one.cmdline()) for one in family)


def test_none_in_arguments_logs_or_answers(tmp_path: Path) -> None:
    with guarded() as (admin, url, _):
        _, key = ApiKeys(admin).create("lab")
        _, other = ApiKeys(admin).create("another")
        secrets = [PASSWORD, *(text.rpartition("_")[2] for text in (key, other))]
        answers: list[httpx.Response] = []
        with ServerProcess(tmp_path, url, POSELIFT_LOG_FORMAT="json") as server:
            with client(server.url, key) as api, client(server.url, other) as foreign:
                job_id = submit(api)
                answers += [
                    api.get(f"/jobs/{job_id}"),
                    api.get("/jobs"),
                    api.get("/metrics"),
                    api.get("/readyz"),
                    api.get("/openapi.json"),
                    api.get("/nowhere", params={"key": "x"}),
                    api.post("/jobs", content=b"no video"),
                    foreign.get(f"/jobs/{job_id}"),
                    httpx.get(
                        server.url + "/jobs",
                        headers={"Authorization": f"Bearer {key}0"},
                        timeout=60,
                    ),
                    httpx.get(
                        server.url + "/jobs", headers={"Authorization": f"Basic {key}"}, timeout=60
                    ),
                ]
                admin.execute_command(
                    "ACL", "SETUSER", "poselift", "resetpass"
                )  # another login now
                admin.execute_command("CLIENT", "KILL", "USER", "poselift")
                refused = api.get(f"/jobs/{job_id}")
                assert code(refused) == (503, "store_unavailable")
                assert "login" in refused.json()["detail"]
                answers += [refused, send(api), api.get("/readyz"), api.get("/metrics")]
            shown = arguments_of_family(server.running.process.pid)
            logged = server.running.said
    said = "".join(f"{answer.headers} {answer.text}" for answer in answers)
    assert "serve --port" in shown
    assert "upload_refused" in logged
    for secret in secrets:
        assert secret not in shown
        assert secret not in logged
        assert secret not in said


@pytest.mark.parametrize("command", [["serve"], ["worker", "--device", "cpu"], ["up"], ["keys"]])
def test_a_password_is_not_taken_from_the_arguments(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*command, "--redis-url", "redis://me:hush@127.0.0.1:1/0"]
    assert cli.main([*words, "list"] if command == ["keys"] else words) == 1
    said = capsys.readouterr().err
    assert said.endswith("[secret_in_arguments]\n")
    assert "POSELIFT_REDIS_URL" in said
    assert "hush" not in said


def test_everything_works_with_the_rights_that_are_documented(tmp_path: Path) -> None:
    """API, worker and upkeep with a login that may touch nothing else and administer nothing."""
    with guarded() as (admin, url, _):
        site = Site("127.0.0.1", claim_port("127.0.0.1", 0), tmp_path / "data", redis_url=url)
        told: list[str] = []
        with Deployment(
            site, [fake_slot(tmp_path)], tell=lambda name, line: told.append(line)
        ) as deployment:
            _, key = ApiKeys(admin).create("lab")
            with client(site.url, key) as api:
                wait_for(lambda: api.get("/readyz").status_code == 200)
                job_id = submit(api)
                wait_for(lambda: api.get(f"/jobs/{job_id}").json()["state"] == "succeeded", 20)
                assert api.get(f"/jobs/{job_id}/result").content == b"poses of " + MP4
                with api.stream("GET", f"/jobs/{job_id}/events") as events:
                    assert events.status_code == 200
                assert "poselift_store_up 1" in api.get("/metrics").text
                assert api.delete(f"/jobs/{job_id}").status_code == 204
            shown = "".join(arguments_of_family(pid) for pid in deployment.pids.values())
        assert PASSWORD not in shown + "".join(told)
        assert not any("NOPERM" in line for line in told), told
        with connect(url) as ours, pytest.raises(Exception, match=r"(?i)permission"):
            ours.get("somebody-elses")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl to make a key")
def test_redis_behind_tls(tmp_path: Path) -> None:
    certificate, private = make_certificate(tmp_path)
    with guarded() as (_, _, path), through_tls(path, certificate, private) as port:
        there = f"rediss://poselift:{PASSWORD}@127.0.0.1:{port}/0"
        settings = settings_for(f"{there}?ssl_ca_certs={certificate}", tmp_path)
        with served(settings) as server, client(server.url) as api:
            job_id = submit(api)
            assert api.get(f"/jobs/{job_id}?wait=0.1").json()["state"] == "queued"
        with connect(there) as unknown_issuer, pytest.raises(StoreUnavailable):
            JobLedger(unknown_issuer, retention_s=1).counts()


def test_a_wrong_login_is_said_so_without_the_password() -> None:
    with guarded() as (_, url, _):
        with connect(url.replace(PASSWORD, "not-it")) as redis, pytest.raises(LiftError) as refused:
            JobLedger(redis, retention_s=1).counts()
        assert "login" in refused.value.detail
        assert "not-it" not in refused.value.detail
