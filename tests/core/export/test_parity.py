"""Exported lifters answer as the original does, whatever the window looks like."""

import pytest
import torch

from core.checkpoints import load_lifter
from core.export.description import describe
from core.export.onnx_file import onnx_file
from core.export.onnx_lifter import OnnxLifter
from core.export.parity import MOST_DIFFERENCE_M, cases, measure_parity
from core.export.torchscript import TorchScriptLifter, torchscript_file
from core.models import LiftedPose
from tests.core.export.lifters import CONFIGS, tiny


@pytest.fixture(scope="module", params=CONFIGS)
def original(request):
    return tiny(request.param)


@pytest.fixture(scope="module", params=["onnx", "torchscript"])
def exported(request, original):
    if request.param == "onnx":
        return OnnxLifter(onnx_file(original.model, describe(original)))
    return TorchScriptLifter(torchscript_file(original.model, describe(original)))


@pytest.mark.parametrize("case", cases())
def test_exported_lifters_answer_as_the_original(original, exported, case):
    windows = cases()[case]
    with torch.inference_mode():
        expected, found = original.model(*windows), exported(*windows)
    assert expected.joints_m.abs().amax() > 0.01
    for name in LiftedPose._fields:
        torch.testing.assert_close(
            getattr(found, name), getattr(expected, name), atol=MOST_DIFFERENCE_M, rtol=0
        )


def test_the_packaged_weights_survive_onnx():
    packaged = load_lifter()
    parity = measure_parity(packaged.model, OnnxLifter.of(packaged))
    assert parity.holds, parity
    assert parity.cases == len(cases())


def test_the_packaged_weights_survive_torchscript():
    packaged = load_lifter()
    content = torchscript_file(packaged.model, describe(packaged))
    assert measure_parity(packaged.model, TorchScriptLifter(content)).holds


def test_the_cases_are_what_they_say():
    found = cases()
    assert found["one frame"].time_s.shape == (1, 1)
    assert found["a long window"].time_s.shape[1] > 4 * 81
    assert found["one frame, no hint"].hint_m is None
    nan_rays = found["NaN rays"].rays.isnan().any(-1)
    assert nan_rays.any()
    assert (found["NaN rays"].confidence[nan_rays] == 0).all()
    assert (found["NaN rays that claim confidence"].confidence[nan_rays] > 0).all()
    absent = (found["gaps"].confidence == 0).all(-1)
    assert absent.any(1).all()
    assert absent.all(1).tolist() == [False, False, True]
    assert found["gaps"].time_s[absent].isnan().all()
    some = found["hints here and there"].hint_m.isfinite()
    assert some.any()
    assert not some.all()


def test_hints_matter_to_a_lifter_that_reads_them(loaded):
    windows = cases()["a full batch"]
    with_hint = loaded.model(*windows).joints_m
    without = loaded.model(*windows._replace(hint_m=None)).joints_m
    assert (with_hint - without).abs().amax() > 100 * MOST_DIFFERENCE_M


class Astray(torch.nn.Module):
    """Like another lifter, but for one number in windows of one length."""

    def __init__(self, lifter, field, by_m, frames):
        super().__init__()
        self.lifter, self.field, self.by_m, self.frames = lifter, field, by_m, frames

    def forward(self, rays, confidence, time_s, hint_m=None):
        pose = self.lifter(rays, confidence, time_s, hint_m)
        if time_s.shape[1] == self.frames:
            getattr(pose, self.field)[-1, -1, -1] += self.by_m
        return pose


@pytest.mark.parametrize(
    ("field", "by_m", "frames"),
    [("joints_m", 2e-4, 400), ("sigma_m", -2e-4, 20), ("joints_m", float("nan"), 1)],
)
def test_one_wrong_number_is_noticed(loaded, field, by_m, frames):
    assert not measure_parity(loaded.model, Astray(loaded.model, field, by_m, frames)).holds


def test_a_small_difference_is_measured(loaded):
    parity = measure_parity(loaded.model, Astray(loaded.model, "joints_m", 5e-5, 20))
    assert parity.holds
    assert parity.joints_m == pytest.approx(5e-5, rel=0.02)
    assert parity.sigma_m == 0
