"""The server process from its start to its end."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from core.errors import ConfigInvalid
from server.settings import ServerSettings
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
    deadline = time.monotonic() + 30
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
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as api,
    ):
        try:
            wait_until_up(api, process)
            job_id = api.post("/jobs", content=MP4).json()["id"]
            with api.stream("GET", f"/jobs/{job_id}/events") as events:
                lines = events.iter_lines()
                assert next(lines) == "event: job"
                began = time.monotonic()
                process.send_signal(signal.SIGTERM)
                list(lines)  # the stream ends, and is not cut off
            process.wait(10)
            assert time.monotonic() - began < 6
        finally:
            process.kill()


def test_wrong_settings_name_their_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSELIFT_UPLOAD_LIMIT_BYTES", "plenty")
    with pytest.raises(ConfigInvalid, match="POSELIFT_UPLOAD_LIMIT_BYTES"):
        ServerSettings.read()


def test_what_is_given_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSELIFT_MAX_QUEUE", "7")
    assert ServerSettings.read().max_queue == 7
    assert ServerSettings.read(max_queue=8, data_dir=None).max_queue == 8
