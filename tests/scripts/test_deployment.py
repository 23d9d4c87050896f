"""Everything as processes: ready when entered, nothing lost and nobody left when stopped."""

import os
import signal
import sys
from pathlib import Path

import httpx
import psutil
import pytest

from core.contracts import JobState
from core.errors import ConfigInvalid, StoreUnavailable
from core.store.disk_blobs import DiskBlobs
from core.store.keys import upload_key
from scripts import cli
from scripts.deployment import Deployment, Site
from scripts.ports import claim_port
from tests.server.clips import MP4
from tests.waiting import wait_for
from worker.crew import Member


def fake_slot(tmp_path: Path, name: str = "cpu-0") -> Member:
    command = [sys.executable, "-m", "tests.worker.fake_slot", name]
    return Member(name, command, {"FAKE_LOADED": str(tmp_path / "loaded")})


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site("127.0.0.1", claim_port("127.0.0.1", 0), tmp_path / "data")


@pytest.fixture
def told() -> list[tuple[str, str]]:
    return []


def deploy(site: Site, slots: list[Member], told: list[tuple[str, str]]) -> Deployment:
    return Deployment(site, slots, tell=lambda name, line: told.append((name, line)))


def state(site: Site, job_id: str) -> JobState:
    return JobState(httpx.get(f"{site.url}/jobs/{job_id}", timeout=60).json()["state"])


def upload(site: Site, content: bytes) -> str:
    reply = httpx.post(f"{site.url}/jobs", files={"file": ("clip.mp4", content)}, timeout=60)
    assert reply.status_code == 202, reply.text
    return reply.json()["id"]


def test_a_job_goes_all_the_way_and_everybody_leaves(site, tmp_path, told):
    with deploy(site, [fake_slot(tmp_path)], told) as deployment:
        assert set(deployment.devices.values()) == {"fake"}
        job_id = upload(site, MP4)
        wait_for(lambda: state(site, job_id) is JobState.SUCCEEDED)
        assert (
            httpx.get(f"{site.url}/jobs/{job_id}/result", timeout=60).content == b"poses of " + MP4
        )
        pids = list(deployment.pids.values())
    assert len(pids) == 2
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    assert _listeners(site) == 0


def test_stopping_loses_nothing(site, tmp_path, told):
    with deploy(site, [fake_slot(tmp_path)], told):
        done = upload(site, MP4)
        wait_for(lambda: state(site, done) is JobState.SUCCEEDED)
        running, waiting = upload(site, MP4 + b"endless"), upload(site, MP4)
        wait_for(lambda: state(site, running) is JobState.RUNNING)
    DiskBlobs(site.data_dir / "blobs").put_bytes(upload_key(running), MP4)
    with deploy(site, [fake_slot(tmp_path)], told):
        for job_id in (running, waiting, done):
            wait_for(lambda job_id=job_id: state(site, job_id) is JobState.SUCCEEDED)


def test_a_part_that_dies_is_restarted(site, tmp_path, told):
    with deploy(site, [fake_slot(tmp_path)], told) as deployment:
        before = deployment.pids
        for pid in before.values():
            os.kill(pid, signal.SIGKILL)
        wait_for(lambda: deployment.pids.get("api", before["api"]) != before["api"])

        def works() -> bool:
            try:
                return httpx.get(f"{site.url}/healthz", timeout=60).is_success
            except httpx.TransportError:
                return False

        wait_for(works)
        job_id = upload(site, MP4)
        wait_for(lambda: state(site, job_id) is JobState.SUCCEEDED)
        deployment.check()


def test_a_worker_that_cannot_start_ends_the_start(site, told):
    broken = Member("cpu-0", [sys.executable, "-c", "print('no model'); raise SystemExit(78)"])
    with pytest.raises(ConfigInvalid, match="cpu-0"), deploy(site, [broken], told):
        pass
    assert ("cpu-0", "no model") in told
    assert _listeners(site) == 0


def test_two_deployments_do_not_share_a_folder(site, tmp_path, told):
    other = Site("127.0.0.1", claim_port("127.0.0.1", 0), site.data_dir)
    with (
        deploy(site, [], told),
        pytest.raises(ConfigInvalid, match="--data-dir"),
        deploy(other, [], told),
    ):
        pass


def test_a_dead_redis_is_said_so(site, told):
    with deploy(site, [], told) as deployment:
        deployment.check()
        folder = site.data_dir / "redis"
        (redis,) = [one for one in psutil.Process().children() if working_in(one) == folder]
        redis.kill()
        wait_for(lambda: _fails(deployment))


def working_in(process: psutil.Process) -> Path | None:
    """Nowhere, if it has ended: other tests may leave a process to be waited for."""
    try:
        return Path(process.cwd())
    except psutil.Error:
        return None


def _fails(deployment: Deployment) -> bool:
    try:
        deployment.check()
    except StoreUnavailable:
        return True
    return False


def test_a_taken_port_is_said_so():
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigInvalid, match=f"Port {port}.*--port"):
            claim_port("127.0.0.1", port)
    assert claim_port("127.0.0.1", 0) > 0


def test_up_names_a_wrong_setting(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("POSELIFT_LEASE_S", "soon")
    assert cli.main(["up", "--port", "0", "--data-dir", str(tmp_path)]) == 1
    assert "POSELIFT_LEASE_S" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def _listeners(site: Site) -> int:
    try:
        httpx.get(site.url, timeout=1)
    except httpx.TransportError:
        return 0
    return 1
