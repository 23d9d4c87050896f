"""The table of hostile files says what happened, and a broken promise is not overlooked."""

import pytest

from benchmarks.hostile_report import Report, Tally, findings, page, rows
from tests.faults.hostile.arena import Verdict
from tests.faults.hostile.corpus import HostileFile
from tests.faults.hostile.variant import Variant

MIB = 1 << 20


def verdict(label: str, code: str, problem: str = "") -> Verdict:
    family = label.rpartition("/")[0]
    return Verdict(HostileFile(label, family, Variant(b"", "a test")), code, 1.5, problem)


def report(tally: Tally, **changes) -> Report:
    memory = {"api": 80 * MIB}
    facts = {"openings": set(), "baits": []} | changes
    return Report({"bombs": tally}, memory, memory, **facts)


@pytest.fixture
def tally() -> Tally:
    tally = Tally()
    tally.add(verdict("bombs/0", "succeeded"), dead=0, peak_bytes=500 * MIB)
    tally.add(verdict("bombs/1", "video_too_long"), dead=0, peak_bytes=400 * MIB)
    return tally


def test_a_row_counts_endings_and_the_last_one_sums_them_up(tally):
    of_bombs, of_all = rows(report(tally))
    assert of_bombs == ("bombs", "2", "1", "video_too_long 1", "0", "3", "500")
    assert of_all == ("all", *of_bombs[1:])


def test_the_page_says_what_was_measured_and_how_to_repeat_it(tally):
    text = page(report(tally), seed=5, timeout_s=20)
    assert "--seed 5 --timeout 20" in text
    assert "| bombs | 2 | 1 | video_too_long 1 | 0 | 3 | 500 |" in text
    assert "Every file ended in success or in a coded failure." in text


@pytest.mark.parametrize("changes", [{"openings": {"/etc/passwd"}}, {"baits": ["opened the file"]}])
def test_what_was_reached_for_breaks_the_promise(tally, changes):
    broken = report(tally, **changes)
    assert not broken.is_good
    assert "not kept" in page(broken, seed=5, timeout_s=20)


def test_an_uncoded_end_or_a_death_breaks_the_promise(tally):
    assert report(tally).is_good
    tally.add(verdict("bombs/2", "internal_error", "failed [internal_error]"), 0, 0)
    assert not report(tally).is_good
    assert "bombs/2: failed [internal_error]" in list(findings(report(tally)))
    died = Tally()
    died.add(verdict("bombs/0", "worker_lost"), dead=1, peak_bytes=0)
    assert not report(died).is_good


def test_where_nothing_can_be_traced_it_says_so(tally):
    untraced = report(tally, openings=None)
    assert untraced.is_good
    assert any("could not be traced" in line for line in findings(untraced))
