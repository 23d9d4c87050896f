"""Many videos to a real server over a real port."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from core.contracts import JobState
from core.store.ledger import JobLedger
from scripts import cli
from tests.scripts.conftest import BROKEN, ENDLESS
from tests.server.clips import MP4, WEBM
from tests.server.running import RunningServer
from tests.waiting import wait_for

pytestmark = pytest.mark.usefixtures("worker")


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    folder = tmp_path / "videos"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.mp4").write_bytes(MP4 + b"a")
    (folder / "deep" / "b.webm").write_bytes(WEBM)
    (folder / "notes.txt").write_text("no video")
    return folder


def submit(server: RunningServer, *words: object) -> int:
    return cli.main(["submit", "--server", server.url, *map(str, words)])


def test_a_folder_is_sent_and_its_results_come_back(server, videos, tmp_path, capsys):
    out = tmp_path / "out"
    assert submit(server, videos, "-o", out) == 0
    assert (out / "a.npz").read_bytes() == MP4 + b"a"
    assert (out / "deep" / "b.npz").read_bytes() == WEBM
    assert sorted(p.name for p in out.rglob("*")) == ["a.npz", "b.npz", "deep"]
    shown = capsys.readouterr().err
    assert "done   a.mp4" in shown
    assert "succeeded" in shown


def test_one_result_can_be_named(server, videos, tmp_path):
    assert submit(server, videos / "a.mp4", "-o", tmp_path / "x.npz") == 0
    assert (tmp_path / "x.npz").exists()


def test_options_reach_the_job(server, videos, ledger: JobLedger):
    assert submit(server, videos / "a.mp4", "--stride", "3", "--no-smoothing") == 0
    (record,), _ = ledger.list()
    assert (record.options.stride, record.options.smoothing) == (3, False)
    assert record.filename == "a.mp4"


def test_without_wait_it_says_where_to_look(server, videos, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert submit(server, videos) == 0
    shown = capsys.readouterr().err
    assert shown.count(f"curl {server.url}/jobs/") == 2
    assert list(tmp_path.glob("*.npz")) == []


def test_one_failure_does_not_stop_the_others_and_shows_in_the_exit_code(
    server, videos, tmp_path, capsys
):
    (videos / "c.mp4").write_bytes(BROKEN)
    (videos / "d.mp4").write_text("only text, whatever its name says")
    out = tmp_path / "out"
    assert submit(server, videos, "-o", out) == 1
    assert sorted(path.name for path in out.rglob("*.npz")) == ["a.npz", "b.npz"]
    shown = " ".join(capsys.readouterr().err.split())
    assert "[video_truncated]" in shown
    assert "[not_a_video]" in shown
    assert "2 of 4 failed" in shown


def test_a_file_over_the_servers_limit_is_a_coded_failure(server, videos, capsys):
    (videos / "a.mp4").write_bytes(MP4 + bytes(2 << 20))
    assert submit(server, videos / "a.mp4") == 1
    assert "[upload_too_large]" in capsys.readouterr().err


def test_a_missing_file_and_an_empty_folder_are_said_so(server, tmp_path, capsys):
    assert submit(server, tmp_path / "nowhere.mp4") == 1
    assert "'" in capsys.readouterr().err
    assert submit(server, tmp_path) == 1
    assert "There is no video" in capsys.readouterr().err


@pytest.mark.parametrize("address", ["localhost:8000", "http://", "http://[::1", "ftp://host"])
def test_an_address_that_is_none_is_said_so_at_once(videos, address, capsys):
    assert cli.main(["submit", "--server", address, str(videos)]) == 1
    assert "write the address as http://" in capsys.readouterr().err


def test_a_wrong_option_is_refused_before_anything_is_sent(server, videos, ledger):
    assert submit(server, videos, "--stride", "0") == 2
    assert ledger.list()[0] == []


def test_ctrl_c_leaves_the_job_running_and_says_how_to_look(server, videos, ledger: JobLedger):
    (videos / "a.mp4").write_bytes(ENDLESS)
    command = [sys.executable, "-m", "scripts.cli", "submit", "--server", server.url, "--wait"]
    process = subprocess.Popen(
        [*command, str(videos / "a.mp4")], stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    try:
        wait_for(lambda: bool(ledger.list(JobState.RUNNING)[0]))
        (record,), _ = ledger.list()
        asked_once = 'route="/jobs/{job_id}"'  # so it has been told the job's id
        wait_for(lambda: asked_once in httpx.get(f"{server.url}/metrics", timeout=60).text)
        process.send_signal(signal.SIGINT)
        _, shown = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 130
    assert ledger.get(record.id).state is JobState.RUNNING
    assert f"curl {server.url}/jobs/{record.id}" in shown
    assert "Traceback" not in shown
