"""Three workers on one Redis: they share the work, and none of them does it differently."""

from collections import Counter

import pytest

from core.contracts import JobOptions
from core.runtime import Runtime, RuntimeConfig
from core.store.ledger import JobLedger
from tests.integration.stack import ended, submit

pytestmark = [pytest.mark.assets, pytest.mark.timeout(900)]


@pytest.fixture
def three_workers(stack):
    """Two more beside the one that is there."""
    more = [stack.start_workers(name) for name in ("second", "third")]
    try:
        stack.wait_for_workers(lift=3, poses=1)
        yield
    finally:  # they would take other tests' jobs
        ends = [stack.stop(worker) for worker in more]
        stack.wait_for_workers(lift=1, poses=1)
    assert ends == [0, 0]


def test_twelve_jobs_are_shared_and_equal_those_of_one_worker(
    stack, api, film, scene, asset_cache, tmp_path, three_workers
):
    clips = [film(f"clip-{n}.mp4", scene[5 * n : 5 * n + 12]) for n in range(3)]
    jobs = [(clip, submit(api, clip)) for _ in range(4) for clip in clips]
    states = Counter(ended(api, job_id)["state"] for _, job_id in jobs)
    assert states == {"succeeded": 12}
    ledger = JobLedger(stack.redis, retention_s=600)
    records = [ledger.get(job_id) for _, job_id in jobs]
    assert {record.attempt for record in records} == {1}
    assert len({record.worker for record in records}) >= 2
    results = {(clip, api.get(f"/jobs/{job_id}/result").content) for clip, job_id in jobs}
    assert len(results) == 3  # one a clip, whoever made it

    with Runtime.load(RuntimeConfig(device="cpu", cache_dir=asset_cache)) as runtime:
        for clip, content in results:
            alone = tmp_path / "alone.npz"
            runtime.lift_video(clip, alone, JobOptions(), source_name=clip.name)
            assert alone.read_bytes() == content
