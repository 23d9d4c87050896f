"""What message passing over the body costs as the batch grows: memory, and time.

``python -m benchmarks graph-memory`` trains one graph layer for one step in several ways, each in
a process of its own: as a dense product, and as torch_geometric's message passing with one message
per edge, over the body's edges and over all pairs of joints. Dense product and messages over the
body's edges compute the same function; tests hold them to each other.
"""

import argparse
import json
import resource
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import process_time

import matplotlib.pyplot as plt
import psutil
import torch
from rich.console import Console
from rich.table import Table
from torch import nn

from benchmarks.graph_layers import CHANNELS, WAYS
from benchmarks.measurement import Measurement, resident_peak_bytes, save
from core.lifting.memory_cost import MIB, LiveTensorBytes
from core.models.graph import BodyGraphConv
from core.skeleton import BODY

FRAMES = 27
WINDOWS = (1, 4, 16, 64, 128)
MOST_WINDOWS = {"messages, per joint": 16}
"""Beyond it takes gigabytes."""
_REPEATS = 3


@dataclass(frozen=True)
class Cost:
    """Of one training step of one layer.

    Attributes:
        tensors_mib: peak of live tensors: features, messages, gradients, indices of edges.
        process_mib: by how much the process grew at most.
        ms: CPU time on one core, the least of a few steps.
    """

    tensors_mib: float
    process_mib: float
    ms: float


def cost(way: str, windows: int) -> Cost:
    """Measure one way, in a process where nothing was measured before."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    _step(WAYS[way], 1)  # what only the first step allocates
    before_bytes = psutil.Process().memory_info().rss
    times_s = [_step(WAYS[way], windows * FRAMES) for _ in range(_REPEATS)]
    peak_bytes = resident_peak_bytes(resource.getrusage(resource.RUSAGE_SELF))
    with LiveTensorBytes() as live:
        _step(WAYS[way], windows * FRAMES)
    return Cost(
        tensors_mib=round(live.peak_bytes / MIB, 2),
        process_mib=round(max(0, peak_bytes - before_bytes) / MIB, 1),
        ms=round(1000 * min(times_s), 1),
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Measure every way at every size; write numbers and a chart."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks graph-memory")
    parser.add_argument("-o", "--out", type=Path, default=Path("docs"), help="folder of the chart")
    args = parser.parse_args(argv)
    console = Console()
    costs = {}
    for way in WAYS:
        for windows in sizes_of(way):
            costs[way, windows] = apart(way, windows)
            console.print(f"{way}, {windows} windows: {costs[way, windows]}")
    args.out.mkdir(parents=True, exist_ok=True)
    draw(costs, args.out / "graph-memory.png")
    rows = [
        {"way": way, "windows": windows, **asdict(found)} for (way, windows), found in costs.items()
    ]
    table = Table(*rows[0])
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    console.print(table)
    most = min(MOST_WINDOWS.values())
    measurement = Measurement(
        ratios={
            f"{way} over dense product, {most} windows": round(
                costs[way, most].tensors_mib / costs["dense product", most].tensors_mib, 2
            )
            for way in WAYS
            if way != "dense product"
        },
        rows=rows,
        note=f"One training step of one layer, {CHANNELS} channels, windows of {FRAMES} frames.",
    )
    console.print(f"Written to {save('graph-memory', measurement)}", soft_wrap=True)
    return 0


def apart(way: str, windows: int) -> Cost:
    """:func:`cost` in a fresh process, whose peak is nobody else's."""
    words = [sys.executable, "-m", "benchmarks.graph_memory", way, str(windows)]
    printed = subprocess.run(words, check=True, stdout=subprocess.PIPE).stdout
    return Cost(**json.loads(printed))


def sizes_of(way: str) -> list[int]:
    """Batches that a way is measured with."""
    return [windows for windows in WINDOWS if windows <= MOST_WINDOWS.get(way, windows)]


def draw(costs: Mapping[tuple[str, int], Cost], path: Path) -> None:
    """Memory over batch, both on logarithmic axes."""
    figure, axes = plt.subplots(figsize=(6.4, 4), layout="constrained")
    sizes = sorted({windows for _, windows in costs})
    for way in WAYS:
        its = [windows for windows in sizes if (way, windows) in costs]
        style = "o-" if way.startswith("messages") else "x--"
        axes.plot(its, [costs[way, each].tensors_mib for each in its], style, label=way)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xticks(sizes, [str(each) for each in sizes])
    axes.set_xlabel(f"windows of {FRAMES} frames in a batch")
    axes.set_ylabel("peak memory of a step [MiB]")
    axes.grid(visible=True, alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _step(way: Callable[[int], nn.Module], poses: int) -> float:
    """Forward and backward, with the edges of so many poses; CPU seconds."""
    layer = way(poses)
    nodes = torch.randn(poses * len(BODY), CHANNELS, requires_grad=True)
    is_ours = isinstance(layer, BodyGraphConv)
    features = nodes.view(len(BODY), poses, CHANNELS) if is_ours else nodes
    start_s = process_time()
    layer(features).square().mean().backward()
    return process_time() - start_s


if __name__ == "__main__":
    print(json.dumps(asdict(cost(sys.argv[1], int(sys.argv[2])))))
