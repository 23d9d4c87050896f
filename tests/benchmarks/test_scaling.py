"""What more worker slots bring, worked out from jobs a minute."""

import pytest

from benchmarks.scaling import Plan, measure, scaled

ROWS = [
    {"threads": "all", "slots": 1, "jobs_per_minute": 30.0},
    {"threads": "all", "slots": 4, "jobs_per_minute": 27.0},
    {"threads": 1, "slots": 1, "jobs_per_minute": 16.0},
    {"threads": 1, "slots": 2, "jobs_per_minute": 28.8},
    {"threads": 1, "slots": 4, "jobs_per_minute": 32.0},
]


def test_slots_of_one_thread_are_held_to_the_cores_there_are():
    found = scaled(ROWS, cores=2)
    assert found.ratios == {
        "gain: 4 slots over 1, all threads": 0.9,
        "gain: 2 slots over 1, 1 threads": 1.8,
        "gain: 4 slots over 1, 1 threads": 2.0,
    }
    assert [row["efficiency"] for row in found.rows] == [1.0, 0.9, 1.0, 0.9, 1.0]


def test_with_more_cores_more_slots_are_due():
    efficiencies = [row["efficiency"] for row in scaled(ROWS, cores=8).rows]
    assert efficiencies == [1.0, 0.9, 1.0, 0.9, 0.5]


@pytest.mark.assets
@pytest.mark.timeout(300)
def test_jobs_go_through_as_many_slots_as_asked_for(demo_clip, full_bundle):
    found = measure(Plan(slots=(2,), threads=(1,), jobs=2, seconds=0.4, height=90))
    (row,) = found.rows
    assert row["slots"] == 2
    assert float(row["jobs_per_minute"]) > 0
