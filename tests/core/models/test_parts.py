"""Joints, parts, body, and back."""

import pytest
import torch

from core.models.body_graph import PARTS, part_members
from core.models.parts import MembersConv, PartPooling
from core.skeleton import BODY


def test_every_joint_is_in_one_part_and_parts_are_mirrored():
    members = part_members()
    assert members.sum() == len(BODY)
    assert (members.sum(0) == 1).all()
    rows = dict(zip(PARTS, members, strict=True))
    for name, row in rows.items():
        other = name.replace("left", "#").replace("right", "left").replace("#", "right")
        assert (row[BODY.mirror] == rows[other]).all(), name


@pytest.mark.parametrize("way", ["up", "down"])
@pytest.mark.filterwarnings("ignore:.*torch.jit.* is deprecated:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:Failing to pass a value to the:DeprecationWarning")
def test_pooling_equals_the_torch_geometric_layer(way):
    from core.models.sparse import SparseMembersConv

    torch.manual_seed(0)
    members = torch.from_numpy(part_members().copy())
    members = members if way == "up" else members.T
    targets, sources = members.shape
    dense = MembersConv(members, 5)
    torch.nn.init.normal_(dense.bias)
    features = torch.randn(sources, 3, 5)
    target, source = members.nonzero().T
    pose = torch.arange(3)[:, None]
    edges = torch.stack([(source + pose * sources).flatten(), (target + pose * targets).flatten()])
    nodes = features.transpose(0, 1).flatten(0, 1)
    expected = SparseMembersConv(dense)(nodes, edges, 3).view(3, targets, 5).transpose(0, 1)
    torch.testing.assert_close(dense(features), expected, atol=1e-5, rtol=1e-4)


def test_a_limb_reaches_its_own_part_directly_and_the_others_through_the_body():
    torch.manual_seed(0)
    pooling = PartPooling(4)
    torch.nn.init.normal_(pooling.to_joints.weight)
    features = torch.randn(len(BODY), 1, 4)
    changed = features.clone()
    changed[BODY.index("left_hand")] += torch.randn(4)
    wrist, toe = BODY.index("left_wrist"), BODY.index("right_toe")

    def moved(joint):
        return bool((pooling(changed) - pooling(features))[joint].abs().amax() > 1e-6)

    assert moved(wrist)
    assert moved(toe)
    torch.nn.init.zeros_(pooling.from_body.weight)
    assert moved(wrist)
    assert not moved(toe)
