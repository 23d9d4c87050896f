"""The server process from its start to its end."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest

from core.errors import ConfigInvalid
from server.settings import ServerSettings
from tests.integration.stack import PATIENCE_S, Running, answers
from tests.server.clips import MP4

PROGRAM = """
import sys
from server.serving import serve
from server.settings import ServerSettings
port, processes = map(int, sys.argv[1:])
serve(
    ServerSettings.read(), host="127.0.0.1", port=port, log_level="warning", processes=processes
)
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_up(api: httpx.Client, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        assert process.poll() is None, "the server ended"
        assert time.monotonic() < deadline
        try:
            api.get("/healthz")
            return
        except httpx.TransportError:
            time.sleep(0.05)


@pytest.mark.parametrize("processes", [1, 2])
def test_stops_soon_though_clients_wait(redis_url: str, tmp_path: Path, processes: int) -> None:
    port = free_port()
    environment = {
        **os.environ,
        "POSELIFT_REDIS_URL": redis_url,
        "POSELIFT_DATA_DIR": str(tmp_path),
    }
    command = [sys.executable, "-c", PROGRAM, str(port), str(processes)]
    with (
        subprocess.Popen(command, env=environment, text=True) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as api,
    ):
        try:
            wait_until_up(api, process)
            job_id = api.post("/jobs", content=MP4).json()["id"]
            with api.stream("GET", f"/jobs/{job_id}/events") as events:
                lines = events.iter_lines()
                assert next(lines) == "event: job"
                process.send_signal(signal.SIGTERM)
                list(lines)  # the stream ends, and is not cut off
            process.wait(PATIENCE_S)
        finally:
            process.kill()


@pytest.fixture
def two_processes(redis_url: str, tmp_path: Path) -> Iterator[tuple[Running, str]]:
    """`poselift serve --workers 2`, told by flags where things are, and its address."""
    port = free_port()
    flags = ("--redis-url", redis_url, "--data-dir", tmp_path / "data", "--port", port)
    running = Running.start(tmp_path / "api.log", "serve", "--workers", 2, *flags)
    url = f"http://127.0.0.1:{port}"
    try:
        running.wait_until(lambda: answers(url))
        yield running, url
    finally:
        with suppress(ProcessLookupError):
            os.killpg(running.process.pid, signal.SIGKILL)
        running.process.wait()


def test_ctrl_c_ends_all_processes_without_a_traceback(
    two_processes: tuple[Running, str], tmp_path: Path
) -> None:
    running, url = two_processes
    answer = httpx.post(f"{url}/jobs", content=MP4, timeout=60)
    assert answer.status_code == 202, answer.text
    assert (tmp_path / "data" / "blobs" / "uploads" / answer.json()["id"]).exists()
    family = running.family()
    os.killpg(running.process.pid, signal.SIGINT)  # as a terminal does: to all of them
    assert running.end() == 0, running.said
    assert psutil.wait_procs(family, PATIENCE_S)[1] == []
    assert "Traceback" not in running.said


def test_servers_do_not_outlive_the_one_that_started_them(
    two_processes: tuple[Running, str],
) -> None:
    running, _ = two_processes
    family = running.family()
    assert len(family) > 2
    running.process.kill()
    running.process.wait()
    assert psutil.wait_procs(family, PATIENCE_S)[1] == []


def test_what_is_loaded_for_good_is_not_searched_for_garbage(tmp_path: Path) -> None:
    program = (
        "import gc; from server.serving import app; made = app(); "
        "print(gc.get_freeze_count(), len(gc.get_objects()))"
    )
    environment = {**os.environ, "POSELIFT_DATA_DIR": str(tmp_path)}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    kept_for_good, searched = map(int, done.stdout.split())
    assert searched < kept_for_good / 20  # a search for garbage keeps everybody waiting


def test_wrong_settings_name_their_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSELIFT_UPLOAD_LIMIT_BYTES", "plenty")
    with pytest.raises(ConfigInvalid, match="POSELIFT_UPLOAD_LIMIT_BYTES"):
        ServerSettings.read()


def test_what_is_given_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSELIFT_MAX_QUEUE", "7")
    assert ServerSettings.read().max_queue == 7
    assert ServerSettings.read(max_queue=8, data_dir=None).max_queue == 8
