from pathlib import Path

import pytest

import core.training
from core.errors import ConfigInvalid
from core.models.config import PRESETS
from core.training.config import TrainingConfig, read_config
from core.training.precision import Autocast
from core.training.schedule import Schedule

CONFIGS = Path(core.training.__file__).parent / "configs"
LEAST = {"name": "a", "motion": "b", "steps": 3}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: a\nmotion: b\nsteps: 3\nlearning_rat: 1", "did you mean 'learning_rate'"),
        ("name: a\nmotion: b\nsteps: 3\nmodel: huge", "no size 'huge'"),
        ("name: a\nmotion: b\nsteps: 3\nmodel: {headz: 2}", "did you mean 'heads'"),
        ("name: a\nmotion: b\nsteps: 3\nloss: {bones: 2}", "did you mean 'bone'"),
        ("name: a\nmotion: b\nsteps: 3\nloss: 2", "loss fields must be a mapping"),
        ("name: a\nmotion: b", "exactly one of"),
        ("name: a\nmotion: b\nsteps: 3\nepochs: 3", "'minutes', 'steps', 'epochs'"),
        ("name: a\nsteps: 3", "'motion', 'pairs'"),
        ("motion: b\nsteps: 3", "'name' is missing"),
        ("- a\n- b", "must be a mapping"),
        ("{", "Cannot read the config"),
        ("name: a\nmotion: b\nsteps: 3\nschedule: plato", "Did you mean 'plateau'"),
        ("name: a\nmotion: b\nsteps: 3\nautocast: fp8", "one of off, bf16, fp16"),
        ("name: a\nmotion: b\nsteps: many", "'steps' must be a whole number, and not 'many'"),
        ("name: a\nmotion: b\nsteps: 2.5", "'steps' must be a whole number"),
        ("name: a\nmotion: b\nsteps: true", "'steps' must be a whole number"),
        ("name: a\nmotion: b\nsteps: 0", "'steps' must be greater than 0"),
        ("name: a\nmotion: b\nminutes: .nan", "'minutes' must be greater than 0"),
        ("name: a\nmotion: b\nsteps: 3\nseed: -1", "'seed' must be 0 or more"),
        ("name: a\npairs: b\nsteps: 3\nheld_out_share: 1", "between 0 and 1"),
        ("name: a\nmotion: b\nsteps: 3\nwindow_frames: 9", "'window_frames' must be a mapping"),
        ("name: a\nmotion: b\nsteps: 3\nwindow_frames: {0: 1}", "lengths from 1 up"),
        ("name: a\nmotion: b\nsteps: 3\nwindow_frames: {9: 0}", "must be positive"),
        ("name: a\nmotion: b\nsteps: 3\nheld_out: 1", "'held_out' must be a list"),
        ("name: a\nmotion: b\nsteps: 3\nschedule: plateau", "'evaluate_every_steps'"),
        ("name: a\nmotion: b\nsteps: 3\nearly_stopping: 10", "'evaluate_every_steps'"),
    ],
)
def test_config_mistakes_are_named(tmp_path, text, words):
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(ConfigInvalid) as caught:
        read_config(path)
    assert words in caught.value.detail


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_packaged_configs_are_valid(path):
    config = read_config(path)
    assert config.name == path.stem
    assert TrainingConfig.from_dict(config.to_dict()) == config


def test_what_yaml_reads_as_something_else_is_understood():
    """YAML 1.1: `1e-3` is text, `off` is false, and subjects may look like numbers."""
    values = {"learning_rate": "1e-3", "autocast": False, "minutes": None, "held_out": [35, "01"]}
    config = TrainingConfig.from_dict({**LEAST, **values})
    assert config.learning_rate == 1e-3
    assert config.autocast is Autocast.OFF
    assert config.held_out == ("35", "01")
    assert config.model == PRESETS["base"]


def test_the_preset_for_pairs_is_the_known_recipe():
    config = read_config(CONFIGS / "mpi_inf_combined.yaml")
    assert (config.epochs, config.frames_per_step, config.window_frames) == (150, 128, {1: 1.0})
    assert (config.learning_rate, config.held_out_share) == (2e-3, 0.1)
    assert (config.schedule, config.early_stopping) == (Schedule.PLATEAU, 10)
    assert (config.plateau_factor, config.plateau_patience) == (0.5, 5)
    assert (config.loss.position, config.loss.bone) == (1.0, 0.01)
