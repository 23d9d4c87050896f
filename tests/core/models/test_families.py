"""What every kind of lifter that a config can name must hold to."""

from dataclasses import replace
from importlib.util import find_spec

import pytest
import torch

from core.export.onnx_file import onnx_file
from core.export.onnx_lifter import OnnxLifter
from core.export.torchscript import TorchScriptLifter, torchscript_file
from core.models import Lifter, Neighbour, Topology
from core.models.config import PRESETS
from tests.core.models.inputs import FAMILIES, TINY, Inputs, make_hint, make_inputs, make_lifter

TOLERANCE_M = 2e-5
each_family = pytest.mark.parametrize("config", FAMILIES.values(), ids=FAMILIES)


@each_family
def test_gradients_reach_every_parameter(config):
    lifter = make_lifter(config)
    pose = lifter(*make_inputs(2, 5), make_hint(2, 5))
    (pose.joints_m.square().sum() + pose.sigma_m.sum()).backward()
    for name, parameter in lifter.named_parameters():
        unused = not config.temporal_layers and name.startswith("temporal")
        assert unused or parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.abs().sum() > 0, name


@each_family
def test_windows_are_lifted_as_if_alone_whatever_pads_them(config):
    lifter, inputs = make_lifter(config), make_inputs(3, 6)
    together = lifter(*inputs)
    rubbish = torch.full((3, 4, 33, 2), torch.nan)
    longer = Inputs(
        torch.cat([rubbish, inputs.rays, rubbish], 1),
        torch.cat([torch.zeros(3, 4, 33), inputs.confidence, torch.zeros(3, 4, 33)], 1),
        torch.cat([torch.full((3, 4), 1e6), inputs.time_s, torch.full((3, 4), torch.nan)], 1),
    )
    padded = lifter(*longer).joints_m[:, 4:10]
    torch.testing.assert_close(padded, together.joints_m, atol=TOLERANCE_M, rtol=0)
    alone = lifter(*(tensor[1:2] for tensor in inputs)).joints_m
    torch.testing.assert_close(together.joints_m[1:2], alone, atol=TOLERANCE_M, rtol=0)


@each_family
def test_an_absent_frame_in_the_middle_is_as_if_it_were_not_there(config):
    lifter, inputs = make_lifter(config), make_inputs(1, 7)
    confidence = inputs.confidence.clone()
    confidence[:, [2, 3]] = 0
    with_gap = lifter(inputs.rays, confidence, inputs.time_s).joints_m
    keep = [0, 1, 4, 5, 6]
    without = lifter(*(tensor[:, keep] for tensor in inputs)).joints_m
    torch.testing.assert_close(with_gap[:, keep], without, atol=TOLERANCE_M, rtol=0)


@each_family
def test_one_frame_is_enough(config):
    pose = make_lifter(config)(*make_inputs(2, 1))
    assert torch.isfinite(pose.joints_m).all()


@pytest.mark.parametrize(
    "change",
    [
        {"neighbours": tuple(Neighbour)},
        {"part_pooling": True},
        {"topology": Topology.MASKED_LEARNABLE},
        {"topology": Topology.DENSE},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_is_added_begins_as_nothing(change):
    """So the weights of a plain lifter are a start for one with more."""
    plain, inputs = make_lifter(), make_inputs(2, 5)
    richer = Lifter(replace(TINY, **change)).eval()
    loaded = richer.load_state_dict(plain.state_dict(), strict=False)
    assert loaded.missing_keys
    assert not loaded.unexpected_keys
    torch.testing.assert_close(
        richer(*inputs).joints_m, plain(*inputs).joints_m, atol=TOLERANCE_M, rtol=0
    )


def test_presets_keep_to_their_sizes():
    bounds = {"small": (0, 1e6), "base": (1e6, 6e6), "large": (12e6, 20e6)}
    assert set(PRESETS) == set(bounds)
    for name, (least, most) in bounds.items():
        parameters = Lifter(PRESETS[name]).parameters()
        assert least < sum(parameter.numel() for parameter in parameters) <= most, name


@pytest.mark.parametrize("family", ["shared over time", "dense", "per edge over time"])
def test_families_can_be_exported(family):
    """Those whose operations the plain lifter does not have; any batch, length and gap."""
    lifter = make_lifter(FAMILIES[family]).requires_grad_(requires_grad=False)
    exported = [TorchScriptLifter(torchscript_file(lifter, "{}"))]
    if find_spec("onnx") and find_spec("onnxruntime"):
        exported.append(OnnxLifter(onnx_file(lifter, "{}")))
    inputs, no_hint = make_inputs(3, 7), torch.full((3, 7, 33, 3), torch.nan)
    confidence = inputs.confidence.clone()
    confidence[0, 3] = 0
    expected = lifter(inputs.rays, confidence, inputs.time_s).joints_m
    for each in exported:
        found = each(inputs.rays, confidence, inputs.time_s, no_hint).joints_m
        torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)
