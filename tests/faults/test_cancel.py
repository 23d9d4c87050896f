"""Promise: a cancel gives one clear end wherever the job stands, and frees its files and slot."""

import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from core.contracts import JobState
from core.errors import JobConflict, JobNotFound, StorageFull
from core.store.live_frames import LiveFrames
from server.deletion import cancel_or_remove
from tests.faults.clips import FRAMES, three_segments
from tests.faults.worksite import PATIENCE_S, Worksite
from tests.videos import make_video
from tests.waiting import wait_for
from tests.worker.searching_runtime import SearchingRuntime
from worker.ending import Outcome
from worker.halt import Halt
from worker.heartbeat import Pace
from worker.jobs import lift
from worker.settings import WorkerSettings
from worker.slot import make_bench
from worker.sweeper import Sweeper


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> bytes:
    return three_segments(tmp_path_factory.mktemp("clip")).read_bytes()


@pytest.fixture(scope="module")
def short(tmp_path_factory) -> bytes:
    video = make_video(tmp_path_factory.mktemp("short") / "s.mp4", frames=5, size=(96, 96))
    return video.read_bytes()


@pytest.fixture
def site(tmp_path, redis_url):
    with Worksite(tmp_path, redis_url) as site:
        yield site


@pytest.fixture
def runtime() -> SearchingRuntime:
    return SearchingRuntime()


@pytest.fixture
def bench(site, tmp_path: Path, redis_url: str, runtime):
    settings = WorkerSettings.read(redis_url=redis_url, data_dir=tmp_path / "data", max_failures=2)
    return make_bench(settings, worker="tester", runtime=runtime)


@pytest.fixture
def work(bench):
    return lambda job_id: lift(job_id, bench=bench, halt=Halt(), beat=lambda: None).outcome


@pytest.fixture
def cancel(site):
    """As the API does it."""
    frames = LiveFrames(site.redis, site.blobs, ttl_s=60.0)
    services = SimpleNamespace(ledger=site.ledger, blobs=site.blobs, frames=frames)
    return lambda job_id: cancel_or_remove(services, job_id)


def nothing_is_left(site: Worksite, job_id: str) -> bool:
    keys = [key for key in site.redis.scan_iter("poselift:*") if job_id.encode() in key]
    return site.files(job_id) == [] and keys == [f"poselift:job:{job_id}".encode()]


def test_while_it_waits(site, short, cancel, work):
    job_id = site.submit(short)
    assert cancel(job_id).state is JobState.CANCELED
    assert nothing_is_left(site, job_id)
    assert work(job_id) is Outcome.NOTHING_TO_DO
    assert site.state(job_id) is JobState.CANCELED


def test_while_it_runs_and_the_slot_takes_the_next(site, clip, short, cancel, work, runtime):
    job_id, following = site.submit(clip), site.submit(short)
    gate, outcomes = threading.Event(), []
    runtime.on_frame = lambda index: index < FRAMES - 30 or gate.wait(PATIENCE_S)
    slot = threading.Thread(target=lambda: outcomes.extend([work(job_id), work(following)]))
    slot.start()
    wait_for(lambda: site.sections(job_id) > 0, PATIENCE_S)
    assert cancel(job_id).state is JobState.RUNNING
    gate.set()
    slot.join(PATIENCE_S)
    assert outcomes == [Outcome.CANCELED, Outcome.SUCCEEDED]
    assert site.state(job_id) is JobState.CANCELED
    assert nothing_is_left(site, job_id)


def test_a_running_job_is_asked_twice_a_second_whether_it_is_wanted():
    assert Pace().beat_s <= 0.5


def test_before_it_is_tried_again(site, clip, cancel, work, runtime):
    def fill_the_disk(index: int) -> None:
        if index == FRAMES - 5:
            raise StorageFull("The disk is full.")

    runtime.on_frame = fill_the_disk
    job_id = site.submit(clip)
    assert work(job_id) is Outcome.TRY_LATER
    assert len(site.files(job_id)) > 1  # what was seen, for the next attempt
    assert cancel(job_id).state is JobState.CANCELED
    assert nothing_is_left(site, job_id)
    assert work(job_id) is Outcome.NOTHING_TO_DO


def test_after_its_worker_died(site, short, cancel, bench):
    job_id = site.submit(short)
    attempt = bench.ledger.claim(job_id, worker="dead", lease_s=60.0)
    bench.frames.append(attempt, 0, 5, b"frames")
    assert cancel(job_id).state is JobState.RUNNING  # for all we know it is
    site.redis.zadd("poselift:leases", {job_id: 1})
    sweeper = Sweeper(
        bench.ledger,
        site.queue,
        bench.blobs,
        bench.frames,
        scratch=bench.scratch,
        leftovers=bench.leftovers,
    )
    sweeper.sweep()
    assert site.state(job_id) is JobState.CANCELED
    assert site.files(job_id) == []


def test_an_ended_job_stays_as_it_is_until_it_is_removed(site, short, cancel, work):
    job_id = site.submit(short)
    assert work(job_id) is Outcome.SUCCEEDED
    with pytest.raises(JobConflict):
        site.ledger.request_cancel(job_id)
    assert site.state(job_id) is JobState.SUCCEEDED
    assert cancel(job_id) is None
    with pytest.raises(JobNotFound):
        site.ledger.get(job_id)
    assert site.files(job_id) == []
