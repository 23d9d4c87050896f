"""What lifters are compared with is what it is said to be."""

import numpy as np
import pytest
import torch

from benchmarks.lifter import (
    GROWING,
    TOGETHER,
    WHOLE,
    Case,
    Costs,
    cases,
    document,
    measurement,
)
from benchmarks.lifter_peers import JOINTS, AttentionAndGraphs, TemporalConvolutions
from benchmarks.lifter_run import Cost, contestant, cost

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _threads_as_before():
    """What is measured sets its own number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def millions(network):
    return sum(each.numel() for each in network.parameters()) / 1e6


def test_dilated_convolutions_are_as_large_as_published():
    """16.95 M parameters and a receptive field of 243 frames: Pavllo et al., table 3."""
    network = TemporalConvolutions()
    assert millions(network) == pytest.approx(16.95, abs=0.01)
    assert 2 * network.reach + 1 == 243


@torch.inference_mode()
def test_a_frame_hears_half_the_receptive_field_to_each_side():
    torch.manual_seed(0)
    network = TemporalConvolutions(channels=8).eval()
    keypoints = torch.randn(1, 400, JOINTS, 2)
    changed = keypoints.clone()
    changed[:, 200] += 100
    apart = (network(keypoints) - network(changed)).abs().amax((0, 2, 3))
    heard = np.flatnonzero(apart.numpy() > 0)
    assert 200 - network.reach <= heard.min() < heard.max() <= 200 + network.reach
    assert heard.max() - heard.min() > 160


@torch.inference_mode()
def test_attention_and_graphs_are_as_large_as_published():
    """2.2 M parameters: Mehraban et al., table 1."""
    network = AttentionAndGraphs().eval()
    assert millions(network) == pytest.approx(2.2, abs=0.05)
    assert network(torch.randn(2, 27, JOINTS, 2)).shape == (2, 27, JOINTS, 3)


@torch.inference_mode()
def test_windows_of_a_batch_do_not_hear_each_other():
    torch.manual_seed(0)
    network = AttentionAndGraphs(channels=16, layers=2).eval()
    keypoints = torch.randn(3, 27, JOINTS, 2)
    torch.testing.assert_close(network(keypoints)[1:2], network(keypoints[1:2]))


@pytest.mark.parametrize("name", ["small", "small mirrored", "small in a job"])
def test_ours_lift_clips_of_any_measured_length(name):
    one = contestant(name, CPU)
    for clips, frames in ((1, 27), (2, 243)):
        one.lift(clips, frames)


def test_costs_are_those_of_the_network():
    found = cost("small", 1, 81, "cpu", 0.0)
    assert 600 < found.parameters_k < 1000
    assert found.madds_k > 500
    assert found.ms_per_frame > 0
    assert found.tensors_mib > 0


def test_tables_and_ratios_come_from_the_costs():
    costs = Costs(
        {
            case: Cost(1000, 2000, 1.0 if "job" in case.lifter else 5.0, 10.0, 20.0)
            for case in cases()
        }
    )
    ratios = measurement(costs).ratios
    assert ratios["videopose3d mirrored over base in a job"] == 5.0
    assert ratios["base in a job, 2430 frames over 243"] == 1.0
    text = document(costs, "cpu", rounds=1)
    assert text.count("| `base` in a job |") == 4
    assert len(set(cases())) == len(cases())
    assert Case(GROWING[0], TOGETHER, 243) in cases()
    assert all(name in WHOLE for name in GROWING)
