import json
from dataclasses import replace

import pytest
import torch

from core.checkpoints import load_lifter
from core.errors import CheckpointInvalid, ConfigInvalid
from core.training.config import TrainingConfig, read_config
from core.training.dice import Dice
from core.training.heldout import HeldOutSet, measure
from core.training.loop import LOG_FILE, STATE_FILE, Trainer, train
from core.training.motion import load_motion
from core.training.sampler import CLEAN
from core.training.state import begin
from tests.core.models.inputs import TINY, make_lifter
from tests.core.training.motion_files import write_motion

CPU = torch.device("cpu")


@pytest.fixture
def config(tmp_path):
    return TrainingConfig(
        name="tiny",
        motion=str(write_motion(tmp_path / "motion.npz")),
        model=TINY,
        steps=6,
        frames_per_step=72,
        window_frames={1: 0.3, 9: 0.7},
        held_out=("01",),
        warm_up_steps=2,
        evaluation_windows=4,
        device="cpu",
        seed=3,
    )


def test_a_run_that_was_cut_off_goes_on_exactly(config, tmp_path):
    """Four steps at once and two plus two after a restart end in the same weights."""
    library = load_motion(tmp_path / "motion.npz")
    whole = begin(config, CPU)
    trainer = Trainer(config, whole, library, CPU)
    losses = [trainer.advance() for _ in range(4)]

    first = begin(config, CPU)
    cut = Trainer(config, first, library, CPU)
    again = [cut.advance() for _ in range(2)]
    first.save(tmp_path / STATE_FILE, config)
    torch.manual_seed(999)
    second = begin(replace(config, seed=999), CPU)
    second.restore(tmp_path / STATE_FILE)
    resumed = Trainer(config, second, library, CPU)
    again += [resumed.advance() for _ in range(2)]

    assert again == losses
    for name, weight in whole.model.state_dict().items():
        assert torch.equal(second.model.state_dict()[name], weight), name
    for name, weight in whole.average.state_dict().items():
        assert torch.equal(second.average.state_dict()[name], weight), name


def test_training_writes_weights_and_a_log_and_then_has_nothing_left_to_do(config, tmp_path):
    reports = []
    weights = train(config, tmp_path / "run", reports.append)
    assert load_lifter(weights).name == "tiny"
    last = json.loads((tmp_path / "run" / LOG_FILE).read_text().splitlines()[-1])
    assert last["step"] == 6
    assert {"clean_mpjpe_mm", "clean_pa_mpjpe_mm", "noisy_mpjpe_mm"} <= set(last)
    assert reports[-1].share_done == 1
    before = weights.read_bytes()
    assert train(config, tmp_path / "run", reports.append).read_bytes() == before


def test_it_learns(config, tmp_path):
    config = replace(config, steps=30, learning_rate=5e-3)
    library = load_motion(tmp_path / "motion.npz")
    trainer = Trainer(config, begin(config, CPU), library, CPU)
    losses = [trainer.advance() for _ in range(30)]
    assert sum(losses[-5:]) < 0.7 * sum(losses[:5])


def test_the_learning_rate_warms_up_and_falls(config, tmp_path):
    library = load_motion(tmp_path / "motion.npz")
    trainer = Trainer(config, begin(config, CPU), library, CPU)
    rates = []
    for _ in range(6):
        trainer.advance()
        rates.append(trainer.state.optimiser.param_groups[0]["lr"])
    assert rates[0] == pytest.approx(config.learning_rate / 2)
    assert rates[1] > rates[2] > rates[5]


def test_a_damaged_state_is_refused(config, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / STATE_FILE).write_bytes(b"nonsense")
    with pytest.raises(CheckpointInvalid, match="Cannot go on"):
        train(config, tmp_path / "run", lambda report: None)


def test_measuring_uses_present_frames_of_unseen_people(config, tmp_path):
    library = load_motion(tmp_path / "motion.npz").of_subjects(["01"], inside=True)
    chosen = HeldOutSet.draw(library, Dice(0), 3, CLEAN)
    measured = measure(make_lifter(), chosen, CPU)
    assert measured["pa_mpjpe_mm"] <= measured["mpjpe_mm"]
    assert measured["n_mpjpe_mm"] > 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: a\nmotion: b\nsteps: 3\nlearning_rat: 1", "did you mean 'learning_rate'"),
        ("name: a\nmotion: b\nsteps: 3\nmodel: huge", "no size 'huge'"),
        ("name: a\nmotion: b\nsteps: 3\nmodel: {headz: 2}", "did you mean 'heads'"),
        ("name: a\nmotion: b\nsteps: 3\nloss: {bones: 2}", "did you mean 'bone'"),
        ("name: a\nmotion: b", "exactly one of"),
        ("name: a\nsteps: 3", "motion"),
        ("- a\n- b", "must be a mapping"),
        ("{", "Cannot read the config"),
    ],
)
def test_config_mistakes_are_named(tmp_path, text, words):
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(ConfigInvalid) as caught:
        read_config(path)
    assert words in caught.value.detail


def test_the_packaged_config_is_valid():
    from pathlib import Path

    import core.training

    folder = Path(core.training.__file__).parent / "configs"
    assert read_config(folder / "base.yaml").name == "base"
