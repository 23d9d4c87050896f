from dataclasses import replace

import pytest
import torch

from core.errors import OutOfMemory, TrainingDiverged
from core.models import Lifter
from core.training.config import TrainingConfig
from core.training.losses import LossWeights
from core.training.precision import Autocast
from core.training.sampler import Batch
from core.training.state import begin
from core.training.update import Updater
from tests.core.models.inputs import TINY, make_inputs

CPU = torch.device("cpu")
CONFIG = TrainingConfig(
    name="tiny",
    motion="unused",
    model=TINY,
    steps=1,
    loss=LossWeights(symmetry=0.1, reprojection=0.1),
)


def make_batch(windows=8, frames=5, seed=0) -> Batch:
    inputs = make_inputs(windows, frames, seed)
    generator = torch.Generator().manual_seed(seed)
    joints = torch.randn(windows, frames, 28, 3, generator=generator) * 0.4
    present = torch.rand(windows, frames, generator=generator) > 0.3
    present[:, 0] = True
    hint_m = torch.full((windows, frames, 33, 3), torch.nan)
    return Batch(
        inputs.rays, inputs.confidence * present[..., None], inputs.time_s, joints, present, hint_m
    )


def weights_after(config, *, model_kind=Lifter, updates=2):
    state = begin(config, CPU)
    state.model.__class__ = model_kind
    updater = Updater(config, state)
    losses = [updater.update(make_batch(seed=seed), 1e-3) for seed in range(updates)]
    return state, losses


def assert_close(one, other, tolerance):
    for name, value in one.model.state_dict().items():
        torch.testing.assert_close(
            other.model.state_dict()[name], value, rtol=0, atol=tolerance, msg=name
        )


@pytest.mark.parametrize("accumulate", [2, 3, 8, 50])
def test_a_batch_in_parts_moves_the_weights_as_the_whole_does(accumulate):
    whole, losses = weights_after(CONFIG)
    parts, same = weights_after(replace(CONFIG, accumulate=accumulate))
    assert_close(whole, parts, 2e-5)  # AdamW turns any tiny gradient into a step of 1e-3
    assert [each.total for each in same] == pytest.approx([each.total for each in losses], rel=1e-5)
    assert same[0].terms == pytest.approx(losses[0].terms, rel=1e-5)


class Cramped(Lifter):
    """Has room for three windows."""

    def forward(self, rays, *others):
        if len(rays) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory (injected)")
        return super().forward(rays, *others)


class Full(Lifter):
    def forward(self, rays, *others):
        raise torch.OutOfMemoryError("CUDA out of memory (injected)")


def test_out_of_memory_halves_the_parts_and_keeps_the_batch():
    whole, _ = weights_after(CONFIG)
    cramped, losses = weights_after(CONFIG, model_kind=Cramped)
    assert cramped.parts == 4  # 8, then 4, then 2 windows at a time
    assert cramped.step == 2
    assert_close(whole, cramped, 2e-5)
    assert len(losses) == 2


def test_out_of_memory_with_one_window_is_said_in_words():
    with pytest.raises(OutOfMemory, match="one window at a time"):
        weights_after(CONFIG, model_kind=Full)


def test_other_errors_are_not_taken_for_lack_of_memory():
    class Broken(Lifter):
        def forward(self, rays, *others):
            raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        weights_after(CONFIG, model_kind=Broken)


@pytest.fixture
def poison():
    batch = make_batch(windows=1, frames=1)
    return batch._replace(joints_m=torch.full_like(batch.joints_m, torch.nan))


def test_a_batch_without_finite_gradient_changes_nothing_and_many_end_the_run(poison):
    state = begin(CONFIG, CPU)
    before = {name: value.clone() for name, value in state.model.state_dict().items()}
    updater = Updater(CONFIG, state, most_skipped=3)
    updater.update(poison, 1e-3)
    updater.update(poison, 1e-3)
    assert state.step == 2
    for name, value in state.model.state_dict().items():
        assert torch.equal(value, before[name]), name
    with pytest.raises(TrainingDiverged, match="learning_rate"):
        updater.update(poison, 1e-3)


def test_one_good_batch_forgives_the_bad_ones(poison):
    state = begin(CONFIG, CPU)
    updater = Updater(CONFIG, state, most_skipped=3)
    for batch in (poison, poison, make_batch(), poison, poison):
        updater.update(batch, 1e-3)
    assert state.step == 5


@pytest.mark.parametrize("kind", [Autocast.BF16, Autocast.FP16])
def test_fewer_bits_learn_nearly_the_same(kind):
    exact, losses = weights_after(CONFIG, updates=1)
    coarse, same = weights_after(replace(CONFIG, autocast=kind), updates=1)
    assert same[0].total == pytest.approx(losses[0].total, rel=0.02)
    assert same[0].total != losses[0].total
    # Parameters, averages and the optimiser's memory stay in float32.
    (optimiser,) = coarse.optimisers
    kept = [value for each in optimiser.state.values() for value in each.values()]
    assert {value.dtype for value in (*coarse.model.parameters(), *kept)} == {torch.float32}
    moved = torch.cat([value.flatten() for value in exact.model.parameters()])
    begun = torch.cat([value.flatten() for value in begin(CONFIG, CPU).model.parameters()])
    other = torch.cat([value.flatten() for value in coarse.model.parameters()])
    same_way = torch.cosine_similarity(moved - begun, other - begun, dim=0)
    assert same_way > 0.9


def test_half_precision_finds_its_scale():
    """The first scale, 2**16, overflows on purpose here: the step is skipped, the scale halves."""
    state = begin(replace(CONFIG, autocast=Autocast.FP16), CPU)
    state.precision.scaler.load_state_dict(
        {**state.precision.scaler.state_dict(), "scale": 2.0**120}
    )
    updater = Updater(CONFIG, state)
    before = state.model.head_bias.clone()
    updater.update(make_batch(), 1e-3)
    assert torch.equal(state.model.head_bias, before)
    assert state.precision.scaler.get_scale() == 2.0**119
