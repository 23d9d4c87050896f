"""The commands of the README, as they stand there, run by a shell."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from core.results.reader import read_result
from tests.integration.conftest import FRAMES
from tests.integration.stack import ROOT, ended

pytestmark = [
    pytest.mark.assets,
    pytest.mark.timeout(900),
    pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl"),
]

README = (ROOT / "README.md").read_text()


@pytest.fixture
def shell(stack, clip, tmp_path):
    """Runs a command of the README beside a `clip.mp4`, against our server; what it prints."""
    shutil.copy(clip, tmp_path / "clip.mp4")

    def shell(command: str, job_id: str = "ID") -> str:
        ours = command.replace("localhost:8000", stack.url).replace("ID", job_id)
        ours = ours.replace("curl ", "curl -sS --fail-with-body ", 1)
        done = subprocess.run(
            ["bash", "-c", ours], cwd=tmp_path, capture_output=True, text=True, timeout=600
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return shell


def command(beginning: str) -> str:
    """The README's one command that begins so, without the comment behind it."""
    (found,) = re.findall(rf"({re.escape(beginning)}[^`#\n]*)", README)
    return found.strip()


def test_upload_poll_and_download(shell, tmp_path: Path):
    job = json.loads(shell(command("curl -F file=@")))
    assert job["options"]["max_persons"] == 2
    while job["state"] in ("queued", "running"):
        job = json.loads(shell(command("curl 'localhost:8000/jobs/ID?wait"), job["id"]))
    assert job["state"] == "succeeded", job
    shell(command("curl -OJ"), job["id"])
    assert len(read_result(tmp_path / "clip.pose.npz")) == FRAMES


@pytest.mark.parametrize(
    ("beginning", "filename"), [("curl -T", "clip.mp4"), ("curl --data-binary", "video")]
)
def test_uploads_without_a_form(shell, api, beginning: str, filename: str):
    job = json.loads(shell(command(beginning)))
    assert job["filename"] == filename
    assert api.delete(f"/jobs/{job['id']}").status_code in (202, 204)


def test_options_of_uploads_without_a_form_go_into_the_query(shell, api):
    query = command("?max_persons")
    job = json.loads(shell(f"curl -T clip.mp4 'localhost:8000/jobs/{query}'"))
    assert job["options"]["max_persons"] == 2
    api.delete(f"/jobs/{job['id']}")
    assert ended(api, job["id"])["state"] == "canceled"


def test_the_python_snippet(shell, api, stack, clip, tmp_path: Path):
    """It needs numpy only, and finds what it looks for."""
    job = json.loads(shell(command("curl -F file=@")))
    assert ended(api, job["id"])["state"] == "succeeded"
    shell(f"curl -o clip.npz localhost:8000/jobs/{job['id']}/result")
    (snippet,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    check = "\nassert left_knee.shape[1:] == (3,)\nassert seen.any()\nassert sigma.ndim == 3\n"
    done = subprocess.run(
        [sys.executable, "-P", "-c", snippet + check], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
