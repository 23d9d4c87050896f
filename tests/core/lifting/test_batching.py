import gc
import weakref

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from core.errors import OutOfMemory
from core.lifting.batching import BatchPlanner, BatchRunner
from core.lifting.memory_cost import MemoryCost

CPU = torch.device("cpu")
MIB = 1024 * 1024


def small_memory(fits: int, sizes: list[int]):
    """Lifts windows as long as they are few enough; writes down every attempt."""

    def lift(part: slice) -> list[int]:
        windows = list(range(part.start, part.stop))
        sizes.append(len(windows))
        if len(windows) > fits:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return windows

    return lift


@given(st.integers(0, 100), st.integers(1, 64), st.integers(1, 64))
def test_every_window_is_lifted_once_in_order_whatever_fits(total, planned, fits):
    runner = BatchRunner(planned, CPU)
    batches = list(runner.run(total, small_memory(fits, [])))
    assert [window for batch in batches for window in batch] == list(range(total))
    assert runner.windows >= min(planned, max(1, fits // 2))


def test_a_batch_that_does_not_fit_is_halved_and_that_is_remembered():
    sizes: list[int] = []
    runner = BatchRunner(16, CPU)
    list(runner.run(20, small_memory(5, sizes)))
    assert sizes == [16, 8, 4, 4, 4, 4, 4]
    list(runner.run(4, small_memory(5, sizes)))
    assert sizes[-1] == 4


@pytest.mark.parametrize(("budget_mib", "fits"), [(47, False), (48, True)])
def test_two_batches_of_two_windows_need_twice_the_memory(budget_mib, fits):
    cost = MemoryCost(fixed_bytes=4 * MIB, per_window_bytes=10 * MIB)
    assert BatchPlanner(2, cost).fits_twice(budget_mib) is fits
    assert not BatchPlanner(2).fits_twice(budget_mib)


def test_the_next_job_starts_afresh():
    planner = BatchPlanner(windows=16)
    list(planner.start(CPU).run(16, small_memory(5, [])))
    sizes: list[int] = []
    list(planner.start(CPU).run(16, small_memory(100, sizes)))
    assert sizes == [16]


def test_not_even_one_window_is_a_clear_error():
    with pytest.raises(OutOfMemory, match="single window") as caught:
        list(BatchRunner(4, CPU).run(3, small_memory(0, [])))
    assert caught.value.code == "out_of_memory"
    assert caught.value.retriable


def test_other_failures_pass_untouched():
    def lift(part: slice) -> None:
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        list(BatchRunner(4, CPU).run(3, lift))


def test_a_failed_batch_leaves_no_tensor_behind():
    left: list[weakref.ref] = []
    alive_at_retry: list[int] = []

    def lift(part: slice) -> int:
        alive_at_retry.append(sum(ref() is not None for ref in left))
        tensor = torch.zeros(part.stop - part.start, 1000)
        left.append(weakref.ref(tensor))
        if len(tensor) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return len(tensor)

    gc.disable()  # reference counts alone must do it: no collector runs between two batches
    try:
        assert list(BatchRunner(8, CPU).run(2, lift)) == [1, 1]
    finally:
        gc.enable()
    assert alive_at_retry == [0, 0, 0]


def probe(per_window_mib: float):
    return lambda windows: torch.zeros(int(windows * per_window_mib * MIB / 4))


def test_batch_follows_from_measured_bytes_and_budget():
    for budget_mib, windows in [(2, 2), (10, 10), (21, 21), (1000, 64)]:
        planner = BatchPlanner.measured(probe(1), device=CPU, budget_mib=budget_mib)
        assert planner.windows == windows
    assert BatchPlanner.measured(probe(1), device=CPU, budget_mib=99, most_windows=7).windows == 7


def test_a_budget_below_one_window_says_what_is_needed():
    with pytest.raises(OutOfMemory, match=r"needs 3\.0 MiB, but the memory budget is 2 MiB"):
        BatchPlanner.measured(probe(3), device=CPU, budget_mib=2)
