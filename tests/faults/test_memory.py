"""Promise: memory does not grow from job to job, and a lifter that runs out of it is survived."""

import io
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch

from core.contracts import JobState
from tests.faults.lifting import WINDOWS, Cramped, packaged, real_lift
from tests.faults.worksite import PATIENCE_S, Worksite
from tests.videos import make_video
from tests.waiting import wait_for
from tests.worker.searching_runtime import SearchingRuntime
from worker.ending import Outcome
from worker.halt import Halt
from worker.jobs import lift
from worker.settings import WorkerSettings
from worker.slot import make_bench

JOBS, SETTLED_AFTER = 60, 20
GROWTH = 0.03


@pytest.fixture
def site(tmp_path, redis_url):
    with Worksite(tmp_path, redis_url) as site:
        yield site


def growth_over(site: Worksite, video: bytes, jobs: int) -> float:
    """How much a worker's resident memory grows from one job to so many more; 0.01 is a percent."""
    slot = site.start("slot", FAULT_LIFTER="1")

    def rss_after(count: int) -> int:
        job_ids = [site.submit(video) for _ in range(count)]
        wait_for(lambda: all(site.state(one).is_final for one in job_ids), PATIENCE_S + count)
        assert {site.state(one) for one in job_ids} == {JobState.SUCCEEDED}
        return psutil.Process(slot.process.pid).memory_info().rss

    settled = rss_after(SETTLED_AFTER)
    return rss_after(jobs - SETTLED_AFTER) / settled - 1


def test_one_job_after_the_other_takes_no_more_memory(site, tmp_path):
    video = make_video(tmp_path / "tiny.mp4", frames=12, size=(96, 96)).read_bytes()
    assert growth_over(site, video, JOBS) < GROWTH


@pytest.fixture(scope="module")
def network():
    before = torch.get_num_threads()
    yield packaged()
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> bytes:
    """Longer than several windows of the lifter."""
    video = make_video(tmp_path_factory.mktemp("clip") / "c.mp4", frames=240, size=(96, 96))
    return video.read_bytes()


@pytest.fixture
def lifted(site, tmp_path: Path, redis_url: str):
    def lifted(video: bytes, network: torch.nn.Module) -> tuple[str, Outcome]:
        settings = WorkerSettings.read(
            redis_url=redis_url, data_dir=tmp_path / "data", max_failures=1
        )
        runtime = SearchingRuntime(lift=real_lift(network))
        bench = make_bench(settings, worker="tester", runtime=runtime)
        job_id = site.submit(video)
        return job_id, lift(job_id, bench=bench, halt=Halt(), beat=lambda: None).outcome

    return lifted


def test_a_batch_that_does_not_fit_is_halved_and_the_job_succeeds(site, lifted, clip, network):
    cramped = Cramped(network, fits=1)
    job_id, outcome = lifted(clip, cramped)
    assert outcome is Outcome.SUCCEEDED
    assert max(cramped.batches) > 1
    whole, _ = lifted(clip, network)
    ours, theirs = (np.load(io.BytesIO(site.result(one))) for one in (job_id, whole))
    np.testing.assert_allclose(ours["joints_3d"], theirs["joints_3d"], atol=1e-4)
    assert max(cramped.batches) <= WINDOWS


def test_one_window_that_does_not_fit_fails_its_job_and_the_next_one_succeeds(
    site, lifted, clip, network
):
    cramped = Cramped(network, fits=0)
    job_id, outcome = lifted(clip, cramped)
    assert outcome is Outcome.FAILED
    error = site.ledger.get(job_id).error
    assert (error.code, error.retriable) == ("out_of_memory", True)
    cramped.fits = WINDOWS
    assert lifted(clip, cramped)[1] is Outcome.SUCCEEDED
