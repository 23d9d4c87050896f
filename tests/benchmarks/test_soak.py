"""The soak shares its time out, survives what it tries, and overlooks no broken promise."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Event

import psutil
import pytest
from rich.console import Console

from benchmarks import soak
from benchmarks.soak_disk import full_disks
from benchmarks.soak_holding import hold
from benchmarks.soak_outcome import Outcome
from benchmarks.soak_promise import Figure, Promise, Setting, Trial
from benchmarks.soak_report import COLUMNS, circumstances, page, remarks, row, write
from benchmarks.soak_time import share_s
from tests.waiting import wait_for

FOREVER_S = 600.0
PATIENCE_S = 140.0
"""Twice within a test's time; waiting ends as soon as it can."""


def keeps(setting):
    for number in setting.rounds(3):
        yield Trial(recovery_s=float(number))
    yield Figure("growth", 1.0, "%", at_most=3)


def breaks(setting):
    yield Trial(problem="a stranger came in")
    raise RuntimeError("the wall fell")


def dies(setting):
    yield Trial()
    os._exit(7)


def hangs(setting):
    yield Trial()
    child = subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({FOREVER_S})"])
    (setting.folder / "child").write_text(f"{child.pid}")
    time.sleep(FOREVER_S)


def promise(hold=keeps, weight: float = 1, wanted: int | None = None) -> Promise:
    return Promise("walls", "Walls stand", hold, weight, wanted)


def outcome(*entries: Trial | Figure, wanted: int | None = None, failure=None) -> Outcome:
    return Outcome(promise(wanted=wanted), entries, 1.0, failure)


def test_time_is_shared_by_weight_and_what_is_spared_goes_to_the_others():
    three = [promise(weight=2), promise(weight=1), promise(weight=1)]
    assert share_s(three, 100) == 50
    assert share_s(three[1:], 90) == 45  # the first one needed 10 only
    assert share_s(three[2:], 30) == 30
    assert share_s(three[2:], -5) == 0


def test_at_least_one_round_fits_and_none_after_the_end(tmp_path):
    over = Setting(tmp_path, 1, 0.0, time.monotonic())
    assert list(over.rounds()) == [0]
    ample = Setting(tmp_path, 1, FOREVER_S, time.monotonic() + FOREVER_S)
    assert list(ample.rounds(3)) == [0, 1, 2]
    assert list(ample.rounds(3, each_s=2 * FOREVER_S)) == [0]


def test_a_row_sums_trials_up_and_says_how_many_were_wanted():
    found = outcome(Trial(recovery_s=1), Trial(3, lost=1, recovery_s=4), Trial(0, mixed=2))
    assert row(found) == ("Walls stand", "4", "1", "0", "2", "0", "2.5 / 4.0", "NOT KEPT")
    assert row(outcome(Trial(2), wanted=9))[1:2] == ("2 of 9",)
    assert row(outcome(Trial()))[-2:] == ("-", "kept")
    assert len(COLUMNS) == len(row(found))


@pytest.mark.parametrize("harm", ["lost", "double", "mixed", "dead"])
def test_any_harm_breaks_the_promise(harm):
    assert outcome(Trial()).is_kept
    assert not outcome(Trial(), Trial(**{harm: 1})).is_kept


def test_so_do_problems_figures_failures_and_no_trial_at_all():
    assert not outcome(Trial(problem="odd")).is_kept
    assert not outcome(Trial(), Figure("p", 3.1, "s", at_most=3)).is_kept
    assert not outcome(Trial(), Figure("p", float("nan"), "s", at_most=3)).is_kept
    assert not outcome(Trial(), failure="ended").is_kept
    assert not outcome().is_kept
    assert outcome(Trial(), failure="interrupted").verdict == "interrupted"
    assert outcome(Trial(lost=1), failure="interrupted").verdict == "NOT KEPT"


def test_the_report_says_where_and_what_went_wrong(tmp_path):
    bad = outcome(Trial(problem="odd"), Trial(problem="odd"), Figure("p99", 12.5, "ms"))
    assert list(remarks([bad])) == ["walls, p99: 12.5 ms", "walls, PROBLEM: odd (2 times)"]
    where = circumstances(15, 5, tmp_path)
    assert where["commit"] == "unknown"  # of no repository
    write(tmp_path, where, [bad])
    text = (tmp_path / "soak.md").read_text()
    assert text == page(where, [bad])
    assert "python -m benchmarks soak --minutes 15 --seed 5" in text
    assert "| Walls stand | 2 | 0 | 0 | 0 | 0 | - | NOT KEPT |" in text
    (kept,) = json.loads((tmp_path / "soak.json").read_text())["promises"]
    assert (kept["name"], kept["kept"], kept["trials"]) == ("walls", False, 2)


def test_what_stops_one_promise_leaves_the_next_alone(tmp_path, monkeypatch):
    chosen = [promise(breaks), promise(dies), promise(keeps)]
    for number, one in enumerate(chosen):
        object.__setattr__(one, "name", f"walls-{number}")
    with (tmp_path / "said").open("w") as said:
        broken, died, kept = soak._hold_all(chosen, FOREVER_S, 1, Console(file=said), Event())
    assert broken.failure is not None
    assert broken.failure.startswith("RuntimeError: the wall fell (test_soak.py:")
    assert broken.problems[0] == "a stranger came in"
    assert (died.failure, died.times) == ("exit code 7", 1)
    assert kept.is_kept
    assert kept.recovery == (1.0, 2.0)


def test_ctrl_c_prints_what_there_is_and_leaves_nobody_behind(tmp_path):
    code = (
        "import sys; from benchmarks import soak; from tests.benchmarks.test_soak import *;"
        "soak.PROMISES = (promise(keeps), Promise('gate', 'Gates hold', hangs, 1));"
        f"sys.exit(soak.main(['--minutes', '10', '--out', {str(tmp_path)!r}]))"
    )
    log = tmp_path / "said"
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    with log.open("w") as file:
        run = subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=Path(soak.__file__).parents[1],
            env=environment,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for(lambda: written(tmp_path) or run.poll() is not None, PATIENCE_S)
        child = int(written(tmp_path))
        run.send_signal(signal.SIGINT)
        run.send_signal(signal.SIGINT)  # out of impatience
        assert run.wait(PATIENCE_S) == soak.STATUS_INTERRUPTED
    finally:
        run.kill()
        run.wait()
    said = log.read_text()
    assert "Walls stand" in said
    assert "gate, PROBLEM: interrupted" in said
    assert not (tmp_path / "soak.md").exists()
    wait_for(lambda: is_gone(child))


def written(folder: Path) -> str:
    return "".join(path.read_text() for path in folder.glob("soak-*/gate/child"))


def is_gone(process: int) -> bool:
    try:
        return psutil.Process(process).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_real_promise_for_seconds(tmp_path):
    """A full disk, under a real server and a real worker."""
    one = Promise("disk", "Full disk", full_disks, 1)
    found = hold(one, tmp_path / "d", seed=1, share_s=1.0, interrupted=Event())
    assert found.problems == []
    assert found.is_kept
    assert found.times >= 2


def test_every_promise_has_a_name_of_its_own_and_the_whole_takes_what_was_said():
    names = [one.name for one in soak.PROMISES]
    assert len(set(names)) == len(names)
    assert soak.MINUTES == 15
