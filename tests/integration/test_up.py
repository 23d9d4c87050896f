"""`poselift up`: one command, Ctrl-C, and nothing is lost or left behind."""

import re
import signal
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest

from core.results.reader import read_result
from tests.integration.stack import PATIENCE_S, Running, ended, submit

pytestmark = [pytest.mark.assets, pytest.mark.timeout(900)]


def ready_at(running: Running) -> str:
    running.wait_until(lambda: "PoseLift is ready" in running.said)
    return re.search(r"ready at (http://\S+)", running.said)[1]


def is_complete(running: Running) -> bool:
    """Itself, Redis, the API, and a worker each for videos and pictures; and their decoders."""
    family, boxes = running.family(), 0
    for process in family:
        with suppress(psutil.NoSuchProcess):
            boxes += not {"core.video.box", "core.images.box"}.isdisjoint(process.cmdline())
    return boxes > 0 and len(family) - boxes == 5


def test_everything_starts_stops_and_goes_on(start, clip, long_nobody, tmp_path: Path, full_bundle):
    command = ("up", "--port", 0, "--data-dir", tmp_path / "my data", "--device", "cpu")
    first = start(*command)
    with httpx.Client(base_url=ready_at(first), timeout=60) as api:
        rival = start(*command)
        assert rival.process.wait(PATIENCE_S) == 1
        assert "--data-dir" in rival.said
        done = submit(api, clip)
        assert ended(api, done)["state"] == "succeeded"
        result = api.get(f"/jobs/{done}/result").content
        running, waiting = submit(api, long_nobody), submit(api, clip)
        first.wait_until(lambda: api.get(f"/jobs/{running}").json()["state"] == "running")
        first.wait_until(lambda: is_complete(first))
        family = first.family()

    assert first.stop() == 0
    assert not psutil.wait_procs(family, timeout=60)[1]
    assert "Traceback" not in first.said
    assert first.said.rstrip().endswith("stopped")

    second = start(*command)
    with httpx.Client(base_url=ready_at(second), timeout=60) as api:
        assert api.get(f"/jobs/{done}/result").content == result
        for job_id in (running, waiting):
            assert ended(api, job_id)["state"] == "succeeded"
        assert api.get(f"/jobs/{running}").json()["attempt"] == 2
        frames = len(read_result(api.get(f"/jobs/{running}/result").content))
        assert frames == api.get(f"/jobs/{running}").json()["progress"]["frames_done"]
        again = api.get(f"/jobs/{waiting}/result").content
    assert again == result  # the same clip, on another day
    assert second.stop() == 0


def test_stopped_twice_it_ends_at_once_and_nothing_is_lost(
    start, long_nobody, clip, tmp_path: Path, full_bundle
):
    command = ("up", "--port", 0, "--data-dir", tmp_path / "data", "--device", "cpu")
    hasty = {"POSELIFT_LEASE_S": 5}
    first = start(*command, **hasty)
    with httpx.Client(base_url=ready_at(first), timeout=60) as api:
        jobs = [submit(api, long_nobody), submit(api, clip)]
        first.wait_until(lambda: api.get(f"/jobs/{jobs[0]}").json()["state"] == "running")
        family = first.family()
    first.ask_to_stop()
    first.process.send_signal(signal.SIGTERM)  # two of a kind might be taken for one
    assert first.end() == 128 + signal.SIGTERM

    second = start(*command, **hasty)  # at once: the rest of the first is still ending
    with httpx.Client(base_url=ready_at(second), timeout=60) as api:
        assert [ended(api, job_id)["state"] for job_id in jobs] == ["succeeded"] * 2
    assert not psutil.wait_procs(family, timeout=60)[1]
    assert second.stop() == 0


def test_a_taken_port_is_said_so(start, stack, tmp_path: Path):
    port = stack.url.rpartition(":")[2]
    rival = start("up", "--port", port, "--data-dir", tmp_path / "data", "--device", "cpu")
    assert rival.process.wait(PATIENCE_S) == 1
    assert f"Port {port}" in rival.said
    assert "--port" in rival.said
    assert not (tmp_path / "data").exists()
