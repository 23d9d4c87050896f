from dataclasses import replace

import pytest
import torch

from core.checkpoints import save_lifter
from core.errors import CheckpointInvalid
from core.models import Lifter
from core.training.warm_start import start_from
from tests.core.models.inputs import TINY, make_lifter


@pytest.fixture
def path(tmp_path):
    save_lifter(tmp_path / "old.safetensors", make_lifter(seed=4), "old")
    return tmp_path / "old.safetensors"


def test_weights_are_found_by_name(path):
    model = Lifter(TINY)
    told = start_from(path, model)
    for name, value in make_lifter(seed=4).state_dict().items():
        assert torch.equal(model.state_dict()[name], value), name
    assert (told.name, told.fresh, told.unused) == ("old", (), ())


def test_a_deeper_model_takes_what_there_is_and_says_what_is_new(path):
    deeper = Lifter(replace(TINY, temporal_layers=3))
    random = deeper.temporal[2].state_dict()
    told = start_from(path, deeper)
    assert told.fresh
    assert all(name.startswith("temporal.2.") for name in told.fresh)
    assert "random: temporal.2." in str(told)
    for name, value in random.items():
        assert torch.equal(deeper.temporal[2].state_dict()[name], value)
    shallower = start_from(path, Lifter(replace(TINY, temporal_layers=1)))
    assert all(name.startswith("temporal.1.") for name in shallower.unused)
    assert "Not used here: temporal.1." in str(shallower)


def test_other_shapes_are_refused_by_name_of_weight_and_field(path):
    model = Lifter(replace(TINY, token_channels=64))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(CheckpointInvalid) as caught:
        start_from(path, model)
    assert "pool.weight (32, 224) where (64, 224) belongs" in caught.value.detail
    assert "'token_channels' is 32 there and 64 here" in caught.value.detail
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_what_is_no_checkpoint_is_refused(tmp_path):
    (tmp_path / "x.safetensors").write_bytes(b"no")
    with pytest.raises(CheckpointInvalid, match=r"x\.safetensors"):
        start_from(tmp_path / "x.safetensors", Lifter(TINY))
