import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load, save

from core import checkpoints
from core.cameras import assumed_focal_px, pixels_to_rays
from core.checkpoints import load_lifter, save_lifter
from core.errors import CheckpointInvalid
from core.models.config import PRESETS
from core.regions import SigmaRegions
from core.skeleton import BODY
from tests.core.models.inputs import TINY, make_inputs, make_lifter
from tests.core.tracking.walkers import figure


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "tiny.safetensors"
    lifter = make_lifter()
    digest = save_lifter(path, lifter, "tiny")
    return path, lifter, digest


def rewrite(path, **changes):
    """The same weights under a header with some fields changed."""
    raw = path.read_bytes()
    length = int.from_bytes(raw[:8], "little")
    header = json.loads(json.loads(raw[8 : 8 + length])["__metadata__"]["poselift"])
    path.write_bytes(save(load(raw), metadata={"poselift": json.dumps({**header, **changes})}))


def test_what_is_loaded_lifts_as_what_was_saved(saved):
    path, lifter, digest = saved
    loaded = load_lifter(path)
    inputs = make_inputs(2, 5)
    assert torch.equal(loaded.model(*inputs).joints_m, lifter(*inputs).joints_m)
    assert (loaded.config, loaded.name, loaded.sha256) == (TINY, "tiny", digest)
    assert not loaded.model.training
    assert not any(parameter.requires_grad for parameter in loaded.model.parameters())


def test_the_packaged_weights_stand_a_plausible_person_upright():
    """Axes: x right, y down. The person faces us, so their left is on our right."""
    loaded = load_lifter()
    standing = figure(640, 700, 500)
    rays = pixels_to_rays(standing.keypoints_px, 1280, 720, assumed_focal_px(1280, 720))
    with torch.inference_mode():
        pose = loaded.model(
            torch.from_numpy(rays).expand(1, 3, 33, 2),
            torch.from_numpy(standing.confidence).expand(1, 3, 33),
            torch.arange(3)[None] / 30,
        )
    joints_m = dict(zip(BODY.names, pose.joints_m[0, 1].tolist(), strict=True))
    assert loaded.name == "base"
    assert joints_m["pelvis"] == [0, 0, 0]
    assert joints_m["head_top"][1] < joints_m["neck"][1] < 0
    assert 0 < joints_m["left_knee"][1] < joints_m["left_ankle"][1]
    assert joints_m["left_shoulder"][0] > 0.1
    assert joints_m["right_shoulder"][0] < -0.1
    assert 1.2 < joints_m["left_ankle"][1] - joints_m["head_top"][1] < 2.0
    assert (pose.sigma_m < 0.3).all()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"schema": 99}, "schema version 99"),
        ({"skeleton": "0" * 16}, "another skeleton"),
        ({"config": {"layers": 3}}, "no model field 'layers'"),
        ({"config": {**TINY.to_dict(), "token_channels": 64}}, "do not fit"),
        ({"config": {**TINY.to_dict(), "dropout": 7}}, "do not fit"),
        ({"config": {**TINY.to_dict(), "encoder_blocks": 0.5}}, "do not fit"),
        ({"config": 5}, "do not fit"),
    ],
)
def test_a_checkpoint_made_for_something_else_is_refused_in_words(saved, changes, words):
    path = saved[0]
    rewrite(path, **changes)
    with pytest.raises(CheckpointInvalid) as caught:
        load_lifter(path)
    assert words in caught.value.detail


def test_regions_of_sigma_travel_with_the_weights_and_may_be_missing(saved, tmp_path):
    path, lifter, _ = saved
    assert load_lifter(path).regions is None
    regions = SigmaRegions((1.2, 2.0, 2.5, 3.1), "four people")
    save_lifter(tmp_path / "calibrated.safetensors", lifter, "tiny", regions)
    assert load_lifter(tmp_path / "calibrated.safetensors").regions == regions


@pytest.mark.parametrize("regions", [5, {}, {"radius_sigmas": {"0.5": 1}}, None])
def test_damaged_regions_are_refused_in_words(saved, regions):
    path = saved[0]
    rewrite(path, regions=regions)
    with pytest.raises(CheckpointInvalid, match="do not fit"):
        load_lifter(path)


@pytest.mark.parametrize("kept", [0, 4, 100, 5000])
def test_a_cut_off_file_is_refused(saved, kept):
    path = saved[0]
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(CheckpointInvalid) as caught:
        load_lifter(path)
    assert path.name in caught.value.detail


def test_other_peoples_files_are_refused(tmp_path):
    foreign = tmp_path / "foreign.safetensors"
    foreign.write_bytes(save({"weight": torch.zeros(3)}))
    with pytest.raises(CheckpointInvalid, match="not a PoseLift checkpoint"):
        load_lifter(foreign)
    with pytest.raises(CheckpointInvalid, match="Cannot read"):
        load_lifter(tmp_path / "missing.safetensors")


def test_the_skeleton_is_part_of_the_contract():
    """Changing a joint's name, order or parent must make old weights unusable."""
    assert checkpoints.skeleton_digest() == "060c41b8abd8c3f3"


@pytest.mark.parametrize("name", ["base", "small"])
def test_packaged_weights_have_names(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load_lifter(Path(name)).name == name
    calibrated = replace(PRESETS[name], circumstances=True)
    assert load_lifter(Path(name)).config == calibrated
    (tmp_path / name).write_bytes(b"a file of that name comes first")
    with pytest.raises(CheckpointInvalid):
        load_lifter(Path(name))
