"""The real runtime in a real worker process, fed by the ledger."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from core.contracts import JobState
from core.results.reader import read_result
from core.store.disk_blobs import DiskBlobs
from core.store.keys import result_key
from tests.videos import make_video
from tests.waiting import wait_for

ROOT = Path(__file__).parents[2]
PATIENCE_S = 300.0
"""Torch starts slowly on a machine that is busy with other things."""


@pytest.fixture
def blobs(tmp_path: Path) -> DiskBlobs:
    return DiskBlobs(tmp_path / "data" / "blobs")


@pytest.mark.assets
@pytest.mark.timeout(900)
def test_jobs_follow_each_other_in_one_process(tmp_path, redis_url, submit, ledger, blobs):
    video = make_video(tmp_path / "clip.mp4", frames=20).read_bytes()
    jobs = [submit(video) for _ in range(4)]
    flags = ["--device", "cpu", "--redis-url", redis_url, "--data-dir", str(tmp_path / "data")]
    process = subprocess.Popen(
        [sys.executable, "-m", "scripts.cli", "worker", *flags],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        wait_for(lambda: all(ledger.get(job).state.is_final for job in jobs), PATIENCE_S)
        process.send_signal(signal.SIGTERM)
        shown, _ = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 0
    records = [ledger.get(job) for job in jobs]
    assert [record.state for record in records] == [JobState.SUCCEEDED] * 4, shown
    results = [b"".join(blobs.read(result_key(record.id, record.attempt))) for record in records]
    assert len(read_result(results[0])) == 20
    assert len(set(results)) == 1
    starts_ms = [float(ms) for ms in re.findall(r"warm_start_ms=([\d.]+)", shown)]
    assert len(starts_ms) == 4
    assert shown.count("worker_started") == 1
    assert shown.rstrip().endswith("stopped")
    assert "cpu-0   |" in shown
