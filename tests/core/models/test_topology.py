"""Which joints may inform which, and how much."""

import pytest
import torch

from core.models.graph import BodyGraphConv
from core.models.graph_form import GraphForm, GraphWeights, Topology
from core.models.topology import BodyTopology
from core.skeleton import BODY

MASK = BodyTopology(GraphForm()).adjacency() > 0


@pytest.mark.parametrize("topology", [Topology.MASKED_LEARNABLE, Topology.DENSE])
def test_learned_strengths_begin_as_the_mean(topology):
    learned = BodyTopology(GraphForm(topology=topology))
    torch.testing.assert_close(learned.adjacency(), BodyTopology(GraphForm()).adjacency())
    edges = {Topology.MASKED_LEARNABLE: 102, Topology.DENSE: 4 * 28 * 28}[topology]
    assert learned.strength is not None
    assert learned.strength.shape == (edges,)


def test_a_mean_over_each_kind():
    adjacency = BodyTopology(GraphForm()).adjacency()
    sums = adjacency.sum(-1)
    assert ((sums - 1).abs().lt(1e-6) | (sums == 0)).all()
    pelvis, spine = BODY.index("pelvis"), BODY.index("spine")
    assert adjacency[2, pelvis, spine] == pytest.approx(1 / 3)  # one of three children


def test_the_mask_holds_whatever_is_learned():
    learned = BodyTopology(GraphForm(topology=Topology.MASKED_LEARNABLE))
    with torch.no_grad():
        learned.strength.normal_()
    assert ((learned.adjacency() != 0) == MASK).all()


def test_who_can_reach_whom():
    """A wrist is no neighbour of a toe: it is heard with a dense graph only."""
    wrist, toe = BODY.index("left_wrist"), BODY.index("right_toe")
    for topology in Topology:
        torch.manual_seed(0)
        conv = BodyGraphConv(2, 2, GraphForm(GraphWeights.PER_KIND, topology=topology))
        with torch.no_grad():
            if conv.topology.strength is not None:
                conv.topology.strength.normal_()
        features = torch.randn(len(BODY), 1, 2, requires_grad=True)
        conv(features)[toe].sum().backward()
        heard = bool(features.grad[wrist].abs().sum() > 0)
        assert heard == (topology == Topology.DENSE)


def test_edges_that_start_at_nothing_are_learned_too():
    conv = BodyGraphConv(2, 2, GraphForm(topology=Topology.DENSE))
    conv(torch.randn(len(BODY), 3, 2)).square().sum().backward()
    assert (conv.topology.strength.grad != 0).float().mean() > 0.99
