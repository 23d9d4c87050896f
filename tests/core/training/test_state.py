from dataclasses import replace

import pytest
import torch

from core.errors import CheckpointInvalid
from core.training.config import TrainingConfig
from core.training.precision import Autocast
from core.training.schedule import Patience
from core.training.state import begin
from tests.core.models.inputs import TINY

CPU = torch.device("cpu")
CONFIG = TrainingConfig(name="tiny", motion="unused", model=TINY, steps=1, accumulate=2)


@pytest.fixture
def saved(tmp_path):
    state = begin(CONFIG, CPU)
    state.step, state.elapsed_s, state.parts = 7, 12.5, 8
    state.patience = Patience(best_mm=40.0, idle=1, since_best=4, factor=0.25)
    state.save(tmp_path / "state.pt", CONFIG)
    return tmp_path / "state.pt", state


def change(path, **changes):
    torch.save({**torch.load(path, weights_only=True), **changes}, path)


def test_a_restored_run_knows_what_the_saved_one_knew(saved):
    path, state = saved
    other = begin(replace(CONFIG, seed=9), CPU)
    other.restore(path)
    for name in ("seed", "parts", "step", "elapsed_s", "patience", "stopped_early"):
        assert getattr(other, name) == getattr(state, name), name
    for name, value in state.model.state_dict().items():
        assert torch.equal(other.model.state_dict()[name], value)


def test_the_seed_decides_the_first_weights():
    one, same, other = (
        begin(replace(CONFIG, seed=seed), CPU).model.pool.weight for seed in (1, 1, 2)
    )
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_matrices_decay_and_nothing_else_does():
    (adamw,) = begin(CONFIG, CPU).optimisers
    decayed, plain = adamw.param_groups
    assert decayed["weight_decay"] == CONFIG.weight_decay
    assert plain["weight_decay"] == 0
    assert all(parameter.ndim > 1 for parameter in decayed["params"])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"schema": 1}, "another version of this program"),
        ({"skeleton": "0123456789abcdef"}, "another skeleton"),
    ],
)
def test_states_of_another_kind_are_refused_in_words(saved, changes, words):
    path, _ = saved
    change(path, **changes)
    with pytest.raises(CheckpointInvalid, match=words):
        begin(CONFIG, CPU).restore(path)


def test_a_state_of_another_model_names_the_fields(saved):
    path, _ = saved
    wider = replace(CONFIG, model=replace(TINY, token_channels=64, dropout=0.1))
    with pytest.raises(CheckpointInvalid) as caught:
        begin(wider, CPU).restore(path)
    assert "'token_channels' is 32 there and 64 here" in caught.value.detail
    assert "'dropout' is 0.0 there and 0.1 here" in caught.value.detail


def test_a_state_from_before_a_field_was_there_goes_on(saved):
    path, _ = saved
    older = torch.load(path, weights_only=True)
    del older["config"]["model"]["steadiness"]
    torch.save(older, path)
    begin(CONFIG, CPU).restore(path)


def test_a_state_of_a_later_model_names_the_field(saved):
    path, _ = saved
    later = torch.load(path, weights_only=True)
    later["config"]["model"]["telepathy"] = True
    torch.save(later, path)
    with pytest.raises(CheckpointInvalid, match="'telepathy' is True there"):
        begin(CONFIG, CPU).restore(path)


def test_a_state_that_is_no_table_is_refused(tmp_path):
    torch.save([1, 2], tmp_path / "state.pt")
    with pytest.raises(CheckpointInvalid, match="another version"):
        begin(CONFIG, CPU).restore(tmp_path / "state.pt")


def test_half_precision_may_begin_in_the_middle_of_a_run(saved):
    path, _ = saved
    half = begin(replace(CONFIG, autocast=Autocast.FP16), CPU)
    half.restore(path)
    assert half.precision.scaler.get_scale() == 2.0**16
    half.save(path, CONFIG)
    begin(CONFIG, CPU).restore(path)
