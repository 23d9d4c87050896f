"""What is compared is comparable."""

import pytest
import torch

from benchmarks.graph_layers import (
    CHANNELS,
    WAYS,
    dense_product,
    messages_body_edges,
    messages_per_joint,
)
from benchmarks.graph_memory import FRAMES, Cost, cost, draw
from core.skeleton import BODY

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*torch.jit.* is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Failing to pass a value to the:DeprecationWarning"),  # 3.13
]


@pytest.fixture(autouse=True)
def _threads_as_before():
    """What is measured sets its own number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_dense_product_and_messages_are_the_same_function():
    torch.manual_seed(0)
    ours, theirs = dense_product(3), messages_body_edges(3)
    with torch.no_grad():
        theirs.layer.root.copy_(ours.weight[0])
        theirs.layer.weight.copy_(ours.weight[1:])
    features = torch.randn(len(BODY), 3, CHANNELS)
    nodes = features.transpose(0, 1).flatten(0, 1)
    expected = theirs(nodes).view(3, len(BODY), CHANNELS).transpose(0, 1)
    torch.testing.assert_close(ours(features), expected, atol=1e-4, rtol=1e-4)


def test_so_are_those_with_a_matrix_per_edge():
    torch.manual_seed(0)
    theirs = messages_per_joint(3)
    features = torch.randn(len(BODY), 3, CHANNELS)
    nodes = features.transpose(0, 1).flatten(0, 1)
    expected = theirs(nodes).view(3, len(BODY), CHANNELS).transpose(0, 1)
    torch.testing.assert_close(theirs.layer.dense(features), expected, atol=1e-4, rtol=1e-4)


def test_messages_cost_memory_by_the_edge():
    found = {way: cost(way, 1).tensors_mib for way in WAYS}
    nodes, others, floats = FRAMES * len(BODY), len(BODY) - 1, 4
    all_pairs = nodes * others * CHANNELS * floats / 2**20
    assert found["messages, all pairs"] > all_pairs
    assert found["messages, all pairs"] > 3 * found["messages"]
    assert found["messages, all pairs"] > 3 * found["dense product, all pairs"]


def test_the_chart_is_a_picture(tmp_path):
    costs = {(way, windows): Cost(windows, windows, 1.0) for way in WAYS for windows in (1, 4)}
    draw(costs, tmp_path / "chart.png")
    assert (tmp_path / "chart.png").read_bytes().startswith(b"\x89PNG")
