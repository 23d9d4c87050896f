from dataclasses import replace

import pytest
import torch
from torch import nn

from core.errors import CheckpointInvalid
from core.models import Lifter
from core.training.config import TrainingConfig
from core.training.optimiser import Kind, Muon, optimisers_for, orthogonal
from core.training.precision import Autocast
from core.training.state import begin
from core.training.update import Updater
from tests.core.models.inputs import TINY
from tests.core.training.test_update import make_batch

CPU = torch.device("cpu")
CONFIG = TrainingConfig(name="tiny", motion="unused", model=TINY, steps=1, optimiser=Kind.MUON)


def stepped(optimiser, parameter, gradients):
    for gradient in gradients:
        parameter.grad = gradient.clone()
        optimiser.step()
    return parameter.detach()


@pytest.mark.parametrize("shape", [(6, 10), (10, 6)])
def test_a_single_matrix_moves_as_by_torchs_own_muon(shape):
    torch.manual_seed(0)
    start, gradients = torch.randn(shape), torch.randn(4, *shape)
    theirs, ours = nn.Parameter(start.clone()), nn.Parameter(start.clone())
    torchs = torch.optim.Muon([theirs], lr=0.01, weight_decay=0.1, adjust_lr_fn="match_rms_adamw")
    mine = Muon([ours], 0.01, 0.1, torch.bfloat16)
    expected, found = stepped(torchs, theirs, gradients), stepped(mine, ours, gradients)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)  # steps are 5e-3
    assert not torch.allclose(found, start, atol=1e-3)


@pytest.mark.parametrize("shape", [(6, 10), (10, 6)])
def test_the_matrices_of_a_stack_move_as_if_each_were_alone(shape):
    torch.manual_seed(0)
    start, gradients = torch.randn(2, 3, *shape), torch.randn(4, 2, 3, *shape)
    together = nn.Parameter(start.clone())
    found = stepped(Muon([together], 0.01, 0.1), together, gradients)
    for row in range(2):
        for column in range(3):
            alone = nn.Parameter(start[row, column].clone())
            expected = stepped(Muon([alone], 0.01, 0.1), alone, gradients[:, row, column])
            torch.testing.assert_close(found[row, column], expected)


@pytest.mark.parametrize("products", [torch.float32, torch.bfloat16])
def test_steps_leave_no_direction_behind(products):
    torch.manual_seed(0)
    lopsided = torch.randn(4, 8, 12) @ torch.diag(torch.logspace(0, -1, 12))
    values = torch.linalg.svdvals(orthogonal(lopsided, products).float())
    assert 0.5 < values.min() < values.max() < 1.3


def test_a_matrix_of_zeros_stays_finite():
    assert torch.equal(orthogonal(torch.zeros(2, 3, 4), torch.float32), torch.zeros(2, 3, 4))


def test_every_parameter_belongs_to_one_optimiser():
    model = Lifter(TINY)
    muon, adamw = optimisers_for(model, Kind.MUON, 1e-3, 0.01, torch.float32)
    moved = [
        id(parameter)
        for optimiser in (muon, adamw)
        for group in optimiser.param_groups
        for parameter in group["params"]
    ]
    assert sorted(moved) == sorted(id(parameter) for parameter in model.parameters())
    by_muon = {id(parameter) for parameter in muon.param_groups[0]["params"]}
    names = {name for name, parameter in model.named_parameters() if id(parameter) in by_muon}
    assert "pool.weight" in names
    assert not {"embed.weight", "head_weight", "pool.bias"} & names


@pytest.mark.parametrize("autocast", [Autocast.OFF, Autocast.BF16])
def test_both_rules_learn(autocast):
    config = replace(CONFIG, autocast=autocast)
    state = begin(config, CPU)
    updater, batch = Updater(config, state), make_batch()
    first = updater.update(batch, 3e-3).terms["position"]
    for _ in range(30):
        last = updater.update(batch, 3e-3).terms["position"]
    assert last < 0.8 * first


def test_a_run_goes_on_with_its_own_rule_only(tmp_path):
    state = begin(CONFIG, CPU)
    Updater(CONFIG, state).update(make_batch(), 1e-3)
    state.save(tmp_path / "state.pt", CONFIG)
    again = begin(CONFIG, CPU)
    again.restore(tmp_path / "state.pt")
    for found, kept in zip(again.optimisers, state.optimisers, strict=True):
        assert str(found.state_dict()) == str(kept.state_dict())
    other = begin(replace(CONFIG, optimiser=Kind.ADAMW), CPU)
    with pytest.raises(CheckpointInvalid, match="'optimiser' is muon there"):
        other.restore(tmp_path / "state.pt")
