import pytest
import torch

from core.models import GraphWeights
from core.models.body_graph import KINDS, body_edges, keypoint_sources
from core.models.graph import BodyGraphConv, KeypointEmbedding
from core.skeleton import BODY, KEYPOINT_NAMES

JOINTS = len(BODY)


def batched_edges(poses: int):
    """The body's edges once per pose, with node offsets; nodes are pose-major."""
    edges, kinds = (torch.from_numpy(array) for array in body_edges())
    offsets = torch.arange(poses).repeat_interleave(edges.shape[1]) * JOINTS
    return edges.repeat(1, poses) + offsets, kinds.repeat(poses)


# torch_geometric 2.8 compiles some of its own classes while it is imported.
@pytest.mark.filterwarnings("ignore:.*torch.jit.* is deprecated:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:Failing to pass a value to the:DeprecationWarning")  # 3.13
@pytest.mark.parametrize("sharing", list(GraphWeights))
def test_the_dense_layer_equals_the_torch_geometric_layer(sharing):
    from core.models.sparse import SparseBodyGraphConv

    torch.manual_seed(0)
    dense = BodyGraphConv(5, 7, sharing)
    with torch.no_grad():
        dense.bias.normal_()
    sparse = SparseBodyGraphConv(dense)
    features = torch.randn(JOINTS, 3, 5, requires_grad=True)

    edge_index, kind = batched_edges(3)
    nodes = features.transpose(0, 1).reshape(3 * JOINTS, 5)
    out = sparse(nodes, edge_index, kind, torch.arange(JOINTS).repeat(3))
    expected = out.view(3, JOINTS, 7).transpose(0, 1)
    torch.testing.assert_close(dense(features), expected, atol=1e-5, rtol=1e-4)

    probe = torch.randn_like(expected)
    (of_dense,) = torch.autograd.grad((dense(features) * probe).sum(), features)
    (of_sparse,) = torch.autograd.grad((expected * probe).sum(), features)
    torch.testing.assert_close(of_dense, of_sparse, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("sharing", "matrices"),
    [(GraphWeights.SHARED, 1), (GraphWeights.PER_KIND, 4), (GraphWeights.PER_JOINT, 4 * 28)],
)
def test_how_many_matrices_each_choice_has(sharing, matrices):
    assert BodyGraphConv(3, 5, sharing).weight.numel() == matrices * 3 * 5


def test_edges_are_sparse_and_of_the_right_kind():
    edges, kinds = body_edges()
    assert edges.shape[1] == 28 + 27 + 27 + 20  # self, inward, outward, both sides' mirror
    names = [
        (BODY.names[source], BODY.names[target], KINDS[kind])
        for (source, target), kind in zip(edges.T, kinds, strict=True)
    ]
    assert len(set(names)) == len(names)
    assert ("left_hip", "left_knee", "inward") in names
    assert ("left_knee", "left_hip", "outward") in names
    assert ("right_knee", "left_knee", "mirror") in names
    assert ("pelvis", "pelvis", "mirror") not in names


def test_a_keypoint_moves_only_the_joints_it_informs():
    torch.manual_seed(0)
    embed = KeypointEmbedding(2, 3)
    plain = torch.randn(1, len(KEYPOINT_NAMES), 2)
    changed = plain.clone()
    ankle = KEYPOINT_NAMES.index("left_ankle")
    changed[:, ankle] += 1
    moved = (embed(changed) - embed(plain)).abs().amax((1, 2)) > 1e-6
    expected = (keypoint_sources() == ankle).any(1)
    assert moved.tolist() == expected.tolist()
    assert {BODY.names[i] for i in expected.nonzero()[0]} == {
        "left_hip", "left_knee", "left_ankle", "left_foot", "left_toe",
    }  # fmt: skip


def test_the_input_graph_is_symmetric_and_uses_every_keypoint():
    table = keypoint_sources()
    names = [{KEYPOINT_NAMES[i] for i in row if i >= 0} for row in table]
    assert set().union(*names) == set(KEYPOINT_NAMES)
    for joint, other in enumerate(BODY.mirror):
        swapped = {
            name.replace("left", "#").replace("right", "left").replace("#", "right")
            for name in names[joint]
        }
        assert swapped == names[other], BODY.names[joint]
