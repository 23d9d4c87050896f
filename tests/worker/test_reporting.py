import pytest

from core.contracts import Progress, Stage
from core.errors import AttemptSuperseded, StoreUnavailable
from worker.deadline import Deadline
from worker.halt import Halt, Reason
from worker.reporting import ProgressReporter


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Ledger:
    error: Exception | None = None

    def __init__(self) -> None:
        self.reported: list[Progress] = []

    def report(self, attempt, progress) -> None:
        if self.error is not None:
            raise self.error
        self.reported.append(progress)


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def halt() -> Halt:
    return Halt()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def deadline(clock) -> Deadline:
    return Deadline(total_s=100.0, stall_s=1.0, clock=clock)


@pytest.fixture
def report(ledger, halt, deadline, clock) -> ProgressReporter:
    return ProgressReporter(ledger, None, halt, deadline, every_s=0.5, clock=clock)


def lifting(frames: int) -> Progress:
    return Progress(stage=Stage.LIFTING, frames_done=frames)


def test_it_writes_seldom(report, ledger, clock):
    for frame in range(20):
        report(lifting(frame))
        clock.now += 0.125
    assert [progress.frames_done for progress in ledger.reported] == [0, 4, 8, 12, 16]


def test_a_new_stage_is_written_at_once(report, ledger):
    for stage in (Stage.PROBING, Stage.LIFTING, Stage.WRITING):
        report(Progress(stage=stage))
    assert [progress.stage for progress in ledger.reported] == ["probing", "lifting", "writing"]


def test_a_store_that_is_away_does_not_stop_the_job(report, ledger, halt):
    ledger.error = StoreUnavailable("away")
    report(lifting(1))
    assert halt.reason is None


def test_a_newer_attempt_does(report, ledger, halt):
    ledger.error = AttemptSuperseded("newer")
    report(lifting(1))
    assert halt.reason is Reason.SUPERSEDED


def test_progress_puts_the_stall_limit_off_but_not_the_total_one(report, deadline, clock):
    for frame in range(300):
        clock.now += 0.3
        report(lifting(frame))
        assert not deadline.is_over
    clock.now += 1.1
    assert deadline.is_over
    assert "no progress for 1 seconds" in deadline.error().detail
    report(lifting(301))
    assert not deadline.is_over
    clock.now += 10
    assert "more than 100 seconds" in deadline.error().detail
