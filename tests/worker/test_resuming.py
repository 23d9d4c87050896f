"""A job that was interrupted goes on where a fresh run had taken over, and ends up the same."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.contracts import JobOptions, JobState
from core.errors import StorageFull, StoreUnavailable
from core.segments.plan import LENGTH_FRAMES, SegmentPlan
from core.store.keys import result_key, seen_index
from core.store.seen_frames import SeenFrames
from tests.videos import make_video
from tests.worker.searching_runtime import SearchingRuntime
from worker.ending import Outcome
from worker.halt import Halt, Reason
from worker.jobs import lift
from worker.resuming import MOST_WAITING, JobSpool

FRAMES = 3 * LENGTH_FRAMES - 10
PLAN = SegmentPlan.of(FRAMES)
STARTS = [PLAN.start(segment) for segment in range(1, 3)]


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    """Three segments."""
    return make_video(tmp_path_factory.mktemp("clip") / "c.mp4", frames=FRAMES, size=(96, 96))


@pytest.fixture(scope="module")
def undisturbed(clip, tmp_path_factory) -> bytes:
    result = tmp_path_factory.mktemp("undisturbed") / "pose.npz"
    runtime = SearchingRuntime(threads=1)
    runtime.lift_video(clip, result, JobOptions(), source_name="clip.mp4")
    assert sorted(set(runtime.searched)) == list(range(FRAMES))
    return result.read_bytes()


@pytest.fixture
def runtime() -> SearchingRuntime:
    return SearchingRuntime()


class Interrupting:
    """Where sections are kept; asks the job to stop once there are so many."""

    def __init__(self, seen: SeenFrames, after: int, halt: Halt) -> None:
        self._seen, self._after, self._halt = seen, after, halt
        self.open, self.read = seen.open, seen.read

    def append(self, attempt, number, section, content) -> None:
        self._seen.append(attempt, number, section, content)
        if number + 1 >= self._after:
            self._halt.ask(Reason.SHUTDOWN)


@pytest.fixture
def interrupt(bench, runtime):
    """Makes an attempt that hands its job back once so many sections are kept."""

    def interrupt(job_id: str, after: int) -> int:
        halt = Halt()
        stopped = replace(bench, seen=Interrupting(bench.seen, after, halt))
        ending = lift(job_id, bench=stopped, halt=halt, beat=lambda: None)
        assert ending.outcome is Outcome.HANDED_BACK
        first = min(runtime.searched)
        runtime.searched.clear()
        return first

    return interrupt


@pytest.fixture
def interrupted(submit, clip, interrupt):
    """Submits a job whose first attempt is interrupted behind so many sections."""

    def interrupted(after: int) -> str:
        job_id = submit(clip.read_bytes())
        assert interrupt(job_id, after) == 0
        return job_id

    return interrupted


@pytest.fixture
def go_on(bench, blobs, ledger):
    """Another attempt; the bytes of its result."""

    def go_on(job_id: str) -> bytes:
        ending = lift(job_id, bench=bench, halt=Halt(), beat=lambda: None)
        assert ending.outcome is Outcome.SUCCEEDED
        token = ledger.get(job_id).attempt
        return b"".join(blobs.read(result_key(job_id, token)))

    return go_on


def test_interrupted_again_and_again_a_job_goes_on_and_gives_the_same_file(
    interrupted, interrupt, go_on, runtime, undisturbed, redis, tmp_path
):
    job_id = interrupted(1)
    assert interrupt(job_id, 2) == STARTS[0] - PLAN.warm_up
    assert go_on(job_id) == undisturbed
    first = STARTS[1] - PLAN.warm_up
    assert sorted(set(runtime.searched)) == list(range(first, FRAMES))
    # And nothing is left of what was seen.
    assert not (tmp_path / "blobs" / "frames" / job_id).exists()
    assert redis.keys("poselift:seen:*") == []
    assert redis.keys("poselift:leftovers") == []


def test_frames_that_are_shown_already_stay_and_are_not_written_again(
    interrupted, go_on, bench, runtime, ledger
):
    job_id = interrupted(2)
    shown = bench.frames.stop_index(job_id)
    assert shown > 100
    stretches: list = []

    def note(index: int) -> None:
        if index > FRAMES - 5:
            stretches[:] = [one for one, _ in bench.frames.read(job_id, 0, FRAMES)]

    runtime.on_frame = note
    go_on(job_id)
    assert [one.start for one in stretches[1:]] == [one.stop for one in stretches[:-1]]
    assert all(one.token == 1 for one in stretches if one.stop <= shown)


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("how", [damage, Path.unlink, lambda path: path.write_bytes(b"")])
def test_behind_a_damaged_section_nothing_counts(bench, ledger, submit, tmp_path, how):
    attempt = ledger.claim(submit(), worker="w", lease_s=30.0)
    spool = JobSpool(bench.seen, attempt, Halt()).open("x")
    for start in (0, 5, 10):
        spool.add(observations(start, start + 5), resumable=True)
    how(tmp_path / "blobs" / "frames" / attempt.job_id / "seen-1-5")
    heir = JobSpool(bench.seen, attempt, Halt()).open("x")
    assert heir.frames == 5
    heir.add(observations(5, 9), resumable=True)
    assert JobSpool(bench.seen, attempt, Halt()).open("x").frames == 9


def test_only_where_somebody_was_relieved_an_attempt_may_go_on(bench, ledger, submit):
    attempt = ledger.claim(submit(), worker="w", lease_s=30.0)
    spool = JobSpool(bench.seen, attempt, Halt()).open("x")
    frames = []
    for number, resumable in enumerate((False, True, False, False, True)):
        spool.add(observations(number, number + 1), resumable=resumable)
        frames.append(JobSpool(bench.seen, attempt, Halt()).open("x").frames)
    assert frames == [0, 2, 2, 2, 5]


def test_what_was_seen_in_another_way_is_forgotten(bench, ledger, submit):
    attempt = ledger.claim(submit(), worker="w", lease_s=30.0)
    JobSpool(bench.seen, attempt, Halt()).open("x").add(observations(0, 5), resumable=True)
    assert JobSpool(bench.seen, attempt, Halt()).open("x").frames == 5
    assert JobSpool(bench.seen, attempt, Halt()).open("y").frames == 0
    assert JobSpool(bench.seen, attempt, Halt()).open("x").frames == 0


def test_so_is_what_was_seen_in_another_video(bench, ledger, submit):
    attempt = ledger.claim(submit(), worker="w", lease_s=30.0)
    JobSpool(bench.seen, attempt, Halt()).open("x").add(observations(0, 5), resumable=True)
    other = attempt.record.upload.model_copy(update={"sha256": "1" * 64})
    record = attempt.record.model_copy(update={"upload": other})
    assert JobSpool(bench.seen, replace(attempt, record=record), Halt()).open("x").frames == 0


def test_a_late_attempt_adds_nothing_to_a_newer_ones(bench, ledger, submit, redis):
    job_id = submit()
    late = ledger.claim(job_id, worker="late", lease_s=30.0)
    halts = Halt(), Halt()
    spools = [JobSpool(bench.seen, late, halts[0]).open("x")]
    spools[0].add(observations(0, 5), resumable=True)
    redis.zadd("poselift:leases", {job_id: 1})
    newer = ledger.claim(job_id, worker="newer", lease_s=30.0)
    spools.append(JobSpool(bench.seen, newer, halts[1]).open("x"))
    assert spools[1].frames == 5
    spools[1].add(observations(5, 9), resumable=True)
    spools[0].add(observations(5, 8), resumable=True)
    assert [halt.reason for halt in halts] == [Reason.SUPERSEDED, None]
    sections = bench.seen.open(newer, sections_name(redis, job_id))
    assert [(one.start, one.stop, one.token) for one in sections] == [(0, 5, 1), (5, 9, 2)]
    assert not bench.blobs.exists(f"frames/{job_id}/seen-1-5")
    assert JobSpool(bench.seen, late, halt := Halt()).open("x").frames == 0
    assert halt.reason is Reason.SUPERSEDED


def sections_name(redis, job_id: str) -> str:
    return redis.lindex(seen_index(job_id), 0).decode()


def observations(start: int, stop: int):
    from core.tracking.association import Observation
    from tests.core.tracking.walkers import figure

    return [
        Observation(number, number / 30, [figure(50 + number, 90, 80)] * (number % 3))
        for number in range(start, stop)
    ]


def test_what_is_read_is_what_was_seen(bench, ledger, submit):
    job_id, halt = submit(), Halt()
    spool = JobSpool(bench.seen, ledger.claim(job_id, worker="w", lease_s=30.0), halt).open("x")
    written = observations(0, 40)
    spool.add(written[:13], resumable=False)
    spool.add(written[13:], resumable=True)
    read = list(JobSpool(bench.seen, ledger_attempt(ledger, job_id), halt).open("x").read())
    assert [(one.frame_index, one.time_s) for one in read] == [
        (one.frame_index, one.time_s) for one in written
    ]
    for one, other in zip(read, written, strict=True):
        assert len(one.detections) == len(other.detections)
        for person, same in zip(one.detections, other.detections, strict=True):
            np.testing.assert_array_equal(person.keypoints_px, same.keypoints_px)
            np.testing.assert_array_equal(person.confidence, same.confidence)
            assert person.hint_m is same.hint_m is None


def ledger_attempt(ledger, job_id):
    from core.store.ledger import Attempt

    record = ledger.get(job_id)
    return Attempt(job_id, record.attempt, record)


class Moody:
    """A store that is away for a while."""

    def __init__(self, seen, error: Exception) -> None:
        self._seen, self._error = seen, error
        self.away = False

    def open(self, *arguments):
        return self._seen.open(*arguments)

    def append(self, *arguments) -> None:
        if self.away:
            raise self._error
        self._seen.append(*arguments)

    def read(self, *arguments):
        return self._seen.read(*arguments)


@pytest.mark.parametrize("error", [StoreUnavailable("away"), StorageFull("full")])
def test_a_store_that_comes_back_gets_what_waited(bench, ledger, submit, error):
    attempt, moody = ledger.claim(submit(), worker="w", lease_s=30.0), Moody(bench.seen, error)
    spool = JobSpool(moody, attempt, Halt()).open("x")
    for number in range(MOST_WAITING - 1):
        moody.away = number != 3
        spool.add(observations(number, number + 1), resumable=True)
    moody.away = False
    spool.add(observations(MOST_WAITING - 1, MOST_WAITING), resumable=True)
    assert JobSpool(bench.seen, attempt, Halt()).open("x").frames == MOST_WAITING


def test_a_store_that_stays_away_costs_no_memory_and_no_job(bench, ledger, submit, caplog):
    attempt = ledger.claim(submit(), worker="w", lease_s=30.0)
    moody, halt = Moody(bench.seen, StorageFull("The disk is full.")), Halt()
    spool = JobSpool(moody, attempt, halt).open("x")
    moody.away = True
    for number in range(3 * MOST_WAITING):
        spool.add(observations(number, number + 1), resumable=True)
    assert caplog.text.count("job_no_longer_resumable") == 1
    assert halt.reason is None
    moody.away = False
    spool.add(observations(99, 100), resumable=True)
    assert JobSpool(bench.seen, attempt, Halt()).open("x").frames == 0


def test_a_job_that_gets_farther_is_forgiven_its_lost_workers_but_not_for_ever(
    bench, ledger, submit, redis, state
):
    job_id, number, tries = submit(), 0, 0
    while (attempt := ledger.claim(job_id, worker="w", lease_s=30.0)) is not None:
        tries += 1
        spool = JobSpool(bench.seen, attempt, Halt()).open("x")
        spool.add(observations(number, number + 1), resumable=True)
        number += 1
        redis.zadd("poselift:leases", {job_id: 1})
    assert state(job_id) is JobState.FAILED
    assert ledger.get(job_id).error.code == "worker_lost"
    assert 10 < tries < 20
