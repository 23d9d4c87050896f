"""Graph convolutions over body and time, against torch_geometric."""

from itertools import product

import pytest
import torch

from core.models.body_graph import body_edges
from core.models.frame_neighbours import frame_neighbours
from core.models.graph import BodyGraphBlock, BodyGraphConv
from core.models.graph_form import BODY_NEIGHBOURS, GraphForm, GraphWeights, Neighbour, Topology
from core.skeleton import BODY

JOINTS = len(BODY)
# torch_geometric 2.8 compiles some of its own classes while it is imported.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*torch.jit.* is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Failing to pass a value to the:DeprecationWarning"),  # 3.13
]

EVERYTHING = tuple(Neighbour)
SOME = (Neighbour.SELF, Neighbour.OUTWARD, Neighbour.BACKWARD)
FORMS = [
    GraphForm(*choices)
    for choices in product(GraphWeights, (BODY_NEIGHBOURS, EVERYTHING, SOME), Topology)
    if choices[::2] != (GraphWeights.PER_EDGE, Topology.DENSE)
]


def name(form):
    return f"{form.weights}-{len(form.neighbours)}-{form.topology}"


def loud(conv):
    """No parameter at a value that would hide a mistake."""
    with torch.no_grad():
        for parameter in conv.parameters():
            parameter.copy_(torch.randn_like(parameter))
    return conv


def a_batch():
    """Three windows of five frames, some absent, at uneven times."""
    present = torch.tensor([[1, 1, 1, 1, 1], [0, 1, 0, 1, 1], [1, 0, 0, 0, 0]]).bool()
    time_s = torch.rand(3, 5, generator=torch.Generator().manual_seed(3)).cumsum(1)
    return present, time_s


def with_every_pair(graph, form):
    """A dense graph's edges: every joint to every joint, in every kind of a frame."""
    from core.models.sparse import SpaceTimeGraph, batched

    poses, kinds = 15, len(form.body)
    kind, target, source = torch.cartesian_prod(
        torch.arange(kinds), torch.arange(JOINTS), torch.arange(JOINTS)
    ).T
    later = graph.kind >= kinds
    edges = batched(torch.stack([source, target]), poses)
    return SpaceTimeGraph(
        torch.cat([edges, graph.edge_index[:, later]], 1),
        torch.cat([kind.repeat(poses), graph.kind[later]]),
        torch.cat([torch.zeros(edges.shape[1]), graph.gap_s[later]]),
    )


@pytest.mark.parametrize("form", FORMS, ids=name)
def test_the_dense_layer_equals_the_torch_geometric_layer(form):
    from core.models.sparse import SparseBodyGraphConv, space_time_graph

    torch.manual_seed(0)
    dense = loud(BodyGraphConv(3, 4, form))
    sparse = SparseBodyGraphConv(dense)
    present, time_s = a_batch()
    features = torch.randn(JOINTS, present.numel(), 3, requires_grad=True)

    graph = space_time_graph(form, present, time_s)
    if form.topology == Topology.DENSE:
        graph = with_every_pair(graph, form)
    nodes = features.transpose(0, 1).flatten(0, 1)  # pose by pose
    expected = sparse(nodes, graph).view(-1, JOINTS, 4).transpose(0, 1)
    output = dense(features, frame_neighbours(present, time_s))
    torch.testing.assert_close(output, expected, atol=1e-4, rtol=1e-4)

    probe = torch.randn_like(expected)
    wanted = [features, *dense.parameters()]
    of_dense = torch.autograd.grad((output * probe).sum(), wanted)
    of_sparse = torch.autograd.grad((expected * probe).sum(), wanted)
    for ours, theirs in zip(of_dense, of_sparse, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-3, rtol=1e-3)
        assert ours.abs().sum() > 0


def test_weights_per_kind_are_torch_geometrics_own_relational_convolution():
    """The definition, not by our own message passing: RGCNConv with mean aggregation."""
    from torch_geometric.nn import RGCNConv

    from core.models.sparse import batched

    torch.manual_seed(0)
    ours = BodyGraphConv(5, 7, GraphForm(GraphWeights.PER_KIND))
    theirs = RGCNConv(5, 7, num_relations=3, aggr="mean", bias=False)
    with torch.no_grad():
        theirs.root.copy_(ours.weight[0])
        theirs.weight.copy_(ours.weight[1:])
    features = torch.randn(JOINTS, 6, 5)
    edges, kind = (torch.from_numpy(array) for array in body_edges(BODY_NEIGHBOURS))
    others = kind > 0
    nodes = features.transpose(0, 1).flatten(0, 1)
    expected = theirs(nodes, batched(edges[:, others], 6), (kind[others] - 1).repeat(6))
    expected = expected.view(6, JOINTS, 7).transpose(0, 1)
    torch.testing.assert_close(ours(features), expected, atol=1e-5, rtol=1e-4)


def test_poses_in_a_batch_never_mix():
    """What node offsets are for: without neighbours in time, a pose is alone."""
    conv = loud(BodyGraphConv(3, 3, GraphForm(topology=Topology.DENSE)))
    features = torch.randn(JOINTS, 4, 3)
    changed = features.clone()
    changed[:, 2] += 1
    moved = (conv(changed) - conv(features)).abs().amax((0, 2)) > 1e-6
    assert moved.tolist() == [False, False, True, False]


def test_a_block_hears_two_frames_to_either_side():
    """It has two convolutions, and each reaches one frame further."""
    block = loud(BodyGraphBlock(4, GraphForm(neighbours=EVERYTHING)))
    frames = frame_neighbours(torch.ones(1, 9, dtype=torch.bool), torch.arange(9.0)[None] / 30)
    features = torch.randn(JOINTS, 9, 4)
    changed = features.clone()
    changed[:, 4] += torch.randn(4)
    moved = (block(changed, frames) - block(features, frames)).abs().amax((0, 2)) > 1e-5
    assert moved.nonzero().flatten().tolist() == [2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("sharing", "within", "over_time"),
    [
        (GraphWeights.SHARED, 1, 0),
        (GraphWeights.PER_KIND, 4, 2),
        (GraphWeights.PER_JOINT, 4 * 28, 2 * 28),
        (GraphWeights.PER_EDGE, 28 + 27 + 27 + 20, 2 * 28),
    ],
)
def test_how_many_matrices_each_choice_has(sharing, within, over_time):
    plain = BodyGraphConv(3, 5, GraphForm(sharing))
    assert plain.weight.numel() == within * 3 * 5
    assert {name for name, _ in plain.named_parameters()} == {"weight", "bias"}
    timely = BodyGraphConv(3, 5, GraphForm(sharing, EVERYTHING))
    assert timely.weight.numel() == within * 3 * 5
    assert (0 if timely.time_weight is None else timely.time_weight.numel()) == over_time * 3 * 5


def test_edges_are_sparse_and_of_the_right_kind():
    edges, kinds = body_edges()
    assert edges.shape[1] == 28 + 27 + 27 + 20  # self, inward, outward, both sides' mirror
    names = [
        (BODY.names[source], BODY.names[target], BODY_NEIGHBOURS[kind])
        for (source, target), kind in zip(edges.T, kinds, strict=True)
    ]
    assert len(set(names)) == len(names)
    assert ("left_hip", "left_knee", "inward") in names
    assert ("left_knee", "left_hip", "outward") in names
    assert ("right_knee", "left_knee", "mirror") in names
    assert ("pelvis", "pelvis", "mirror") not in names
