import subprocess
import sys

import pytest
import torch

from core.errors import OutOfMemory
from core.lifting.memory_cost import (
    LiveTensorBytes,
    MemoryCost,
    is_out_of_memory,
    limit_device_memory,
    measure_cost,
)

CPU = torch.device("cpu")


def test_live_bytes_rise_and_fall_with_tensors():
    with LiveTensorBytes() as live:
        a = torch.zeros(1000)
        b = a + 1
        del a
        c = b.view(10, 100)  # a view owns nothing
        assert live.live_bytes == 4000
    assert live.peak_bytes == 8000
    del b, c
    assert live.live_bytes == 0


def test_weights_made_before_are_not_counted():
    layer = torch.nn.Linear(100, 100)
    with LiveTensorBytes() as live, torch.inference_mode():
        layer(torch.zeros(1, 100))
    assert live.peak_bytes == 2 * 400


def test_counting_imports_no_compiler():
    """It takes PyTorch a second and 70 MB, and whoever lifts would pay them at each start."""
    code = (
        "import sys, torch; from core.lifting.memory_cost import LiveTensorBytes as Live\n"
        "with Live() as live: torch.zeros(10)\n"
        "sys.exit('torch._dynamo' in sys.modules or live.peak_bytes != 40)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_cost_of_a_known_function():
    table = torch.zeros(50)

    def lift(windows: int) -> None:
        fixed = table + 1  # 200 bytes, whatever the batch
        kept = torch.zeros(windows, 25)  # 100 bytes a window
        kept.add_(fixed[:25])

    assert measure_cost(lift, CPU) == MemoryCost(fixed_bytes=200, per_window_bytes=100)


def test_fused_attention_hides_nothing():
    layer = torch.nn.TransformerEncoderLayer(16, 2, 64, batch_first=True).eval()

    @torch.inference_mode()
    def lift(windows: int) -> torch.Tensor:
        return layer(torch.zeros(windows, 10, 16))

    hidden_layer_bytes = 10 * 64 * 4
    assert measure_cost(lift, CPU).per_window_bytes > hidden_layer_bytes
    assert torch.backends.mha.get_fastpath_enabled()


@pytest.mark.parametrize(
    ("budget_bytes", "windows"), [(0, 0), (99, 0), (100, 0), (109, 0), (110, 1), (1000, 90)]
)
def test_windows_within(budget_bytes, windows):
    assert MemoryCost(100, 10).windows_within(budget_bytes) == windows


def test_what_counts_as_out_of_memory():
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory: 9 bytes"))
    assert not is_out_of_memory(RuntimeError("shapes do not match"))
    assert not is_out_of_memory(ValueError("can't allocate memory"))


def test_the_real_cpu_allocator_says_so():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60, dtype=torch.uint8)
    assert is_out_of_memory(caught.value)


def test_probe_that_does_not_fit_is_a_clear_error():
    def lift(windows: int) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(OutOfMemory, match="larger memory budget") as caught:
        measure_cost(lift, CPU)
    assert caught.value.__context__ is None  # no traceback keeps tensors alive


def test_other_errors_of_a_probe_pass():
    def lift(windows: int) -> None:
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        measure_cost(lift, CPU)


def test_limiting_does_nothing_on_cpu():
    limit_device_memory(CPU, 100)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_cuda_cost_predicts_the_peak():
    device = torch.device("cuda")
    layer = torch.nn.Sequential(torch.nn.Linear(512, 2048), torch.nn.Linear(2048, 512)).to(device)

    @torch.inference_mode()
    def lift(windows: int) -> None:
        layer(torch.zeros(windows, 81, 512, device=device))

    cost = measure_cost(lift, device)
    torch.cuda.reset_peak_memory_stats(device)
    lift(40)
    predicted = cost.fixed_bytes + 40 * cost.per_window_bytes
    assert torch.cuda.max_memory_allocated(device) == pytest.approx(predicted, rel=0.05)
