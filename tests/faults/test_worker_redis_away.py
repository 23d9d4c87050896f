"""Promise: when Redis comes back, a worker goes on by itself, in the middle of its job or idle."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from core.contracts import JobState
from core.store.embedded import EmbeddedRedis
from tests.faults.clips import three_segments, undisturbed
from tests.faults.worksite import PATIENCE_S, Worksite
from tests.waiting import wait_for


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A socket's path must be short."""
    with TemporaryDirectory() as folder:
        yield Path(folder)


def test_a_worker_outlives_its_redis(short_folder, tmp_path):
    clip = three_segments(tmp_path)
    with ExitStack() as stack:
        store = stack.enter_context(EmbeddedRedis(short_folder))
        site = stack.enter_context(Worksite(tmp_path, store.url, lease_s=2))
        job_id = site.submit(clip.read_bytes())
        # Long enough for Redis to be back before the job ends, short of the lease's end or not.
        slot = site.start("slot", FAULT_FRAME_S=0.01)
        wait_for(lambda: site.sections(job_id) > 0, PATIENCE_S)
        os.kill(store.pid, signal.SIGKILL)
        wait_for(lambda: "store_away" in slot.said, PATIENCE_S)
        stack.enter_context(EmbeddedRedis(short_folder))
        assert site.result(job_id) == undisturbed(clip, tmp_path)
        following = site.submit(clip.read_bytes())
        site.wait_for_state(following, JobState.SUCCEEDED)
        assert slot.process.poll() is None
