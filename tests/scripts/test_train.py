import os
import signal
import threading

import pytest
import yaml

from core.training.journal import LOG_FILE
from core.training.watch import STATE_FILE
from scripts.cli import BAD_USAGE, FAILED, INTERRUPTED, main
from tests.core.training.format_files import write_combined
from tests.core.training.motion_files import write_motion


@pytest.fixture
def config(tmp_path):
    """Writes a config with changes, and returns the words of a command that trains it."""
    values = {
        "name": "tiny",
        "motion": str(write_motion(tmp_path / "motion.npz")),
        "model": {"joint_channels": 8, "token_channels": 32, "temporal_layers": 1, "heads": 2},
        "steps": 3,
        "frames_per_step": 9,
        "window_frames": {9: 1},
        "held_out": ["01"],
        "evaluation_windows": 2,
        "threads": 1,
    }

    def command(*words, **changes):
        path = tmp_path / "config.yaml"
        path.write_text(yaml.safe_dump(values | changes))
        return ["train", str(path), "--out", str(tmp_path / "run"), *words]

    return command


def test_a_run_is_told_line_by_line(config, tmp_path, capsys):
    assert main(config()) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2].startswith("100.0%  step 3  loss ")
    assert "min left" in lines[-2]
    assert "clean_mpjpe_mm" in lines[-2]
    assert str(tmp_path / "run" / "weights.safetensors") in lines[-1]


def test_flags_take_the_place_of_the_config(config, tmp_path, capsys):
    pairs = write_combined(tmp_path / "mpi_inf_combined.npz", frames=20)
    words = config("--pairs", str(pairs), "--epochs", "2", held_out_share=0.1, window_frames={1: 1})
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert "18 frames to learn from, 2 held out" in printed
    assert "100.0%  step 4 " in printed


def test_a_run_begins_with_other_weights(config, tmp_path, capsys):
    assert main(config()) == 0
    weights = tmp_path / "run" / "weights.safetensors"
    first = config("--start-from", str(weights))
    assert main([*first[:2], "--out", str(tmp_path / "second"), *first[4:]]) == 0
    assert "Started from the weights of 'tiny'" in capsys.readouterr().out


def test_ctrl_c_saves_everything_and_the_same_command_goes_on(config, tmp_path, capsys):
    state = tmp_path / "run" / STATE_FILE
    over = threading.Event()

    def interrupt_once_there_is_a_state():
        while not over.wait(0.01):
            if state.exists():
                os.kill(os.getpid(), signal.SIGINT)
                return

    thread = threading.Thread(target=interrupt_once_there_is_a_state)
    thread.start()
    try:
        assert main(config(steps=100_000, checkpoint_every_steps=2)) == INTERRUPTED
    finally:
        over.set()
        thread.join()
    assert "the same command goes on" in capsys.readouterr().out
    assert (tmp_path / "run" / "weights.safetensors").exists()
    assert main(config(steps=5)) == 0
    assert "Going on from step" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"learning_rat": 1}, "did you mean 'learning_rate'? [config_invalid]"),
        ({"motion": "nowhere.npz"}, "Cannot read motion from 'nowhere.npz'"),
        ({"start_from": "nowhere.safetensors"}, "Cannot read the checkpoint"),
    ],
)
def test_mistakes_are_one_sentence(config, tmp_path, capsys, changes, words):
    assert main(config(**changes)) == FAILED
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
    assert not (tmp_path / "run" / LOG_FILE).exists()


def test_two_budgets_are_refused_at_once(config, capsys):
    with pytest.raises(SystemExit) as caught:
        main(config("--steps", "3", "--minutes", "1"))
    assert caught.value.code == BAD_USAGE
    assert "not allowed with" in capsys.readouterr().err
