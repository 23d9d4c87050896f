"""From keypoints to joints."""

import torch

from core.models.body_graph import keypoint_sources
from core.models.embedding import KeypointEmbedding
from core.skeleton import BODY, KEYPOINT_NAMES


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
