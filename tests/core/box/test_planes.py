"""Slots: every row of a picture travels once."""

from itertools import pairwise

import pytest

from core.box.planes import SLOT_BYTES, fill_slots


@pytest.mark.parametrize(
    "planes",
    [[(1920, 1080), (960, 540), (960, 540)], [(64, 3)], [(49_152, 8192)], [(1, 30_000_000)]],
)
def test_slots_hold_every_row_once(planes):
    rows = [[0] * height for _, height in planes]
    for runs in fill_slots(planes):
        assert max(run.end for run in runs) <= SLOT_BYTES
        taken = sorted((run.offset, run.end) for run in runs)
        assert all(a[1] <= b[0] for a, b in pairwise(taken))
        for run in runs:
            for row in range(run.first_row, run.first_row + run.rows):
                rows[run.plane][row] += 1
    assert all(count == 1 for plane in rows for count in plane)


def test_a_picture_may_be_one_plane_of_single_bytes():
    (first,), (second,), (third,) = fill_slots([(1, 2 * SLOT_BYTES + 5)])
    assert [run.first_row for run in (first, second, third)] == [0, SLOT_BYTES, 2 * SLOT_BYTES]
    assert [run.rows for run in (first, second, third)] == [SLOT_BYTES, SLOT_BYTES, 5]
    assert {run.offset for run in (first, second, third)} == {0}
