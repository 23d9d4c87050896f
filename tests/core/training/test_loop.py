import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from core.checkpoints import load_lifter
from core.errors import CheckpointInvalid, ConfigInvalid
from core.models import Lifter
from core.training.config import TrainingConfig
from core.training.dice import Dice
from core.training.heldout import HeldOutSet, measure
from core.training.journal import LOG_FILE
from core.training.loop import Ending, train
from core.training.material import NORMALISATION_FILE
from core.training.motion import load_motion
from core.training.precision import Autocast
from core.training.sampler import CLEAN, Difficulty
from core.training.schedule import Schedule
from core.training.watch import BEST_FILE, STATE_FILE
from tests.core.models.inputs import TINY, make_lifter
from tests.core.training.format_files import write_combined
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


def run(config, folder, **changes):
    """Train, and return the outcome, the reports and the notes."""
    reports, notes = [], []
    outcome = train(config, folder, reports.append, on_note=notes.append, **changes)
    return outcome, reports, notes


def log_of(folder):
    lines = [json.loads(line) for line in (folder / LOG_FILE).read_text().splitlines()]
    timeless = [{k: v for k, v in line.items() if k[-2:] != "_s"} for line in lines]
    return [line for line in timeless if len(line) > 2]


class KilledError(Exception):
    pass


def killed_at(step):
    """Asked once after every update: dies at this one, leaving what is on disk."""
    asked = []

    def should_stop():
        asked.append(None)
        if len(asked) == step:
            raise KilledError
        return False

    return should_stop


@pytest.mark.parametrize(
    "choices",
    [
        {"drawing_threads": 0},
        {
            "schedule": Schedule.PLATEAU,
            "early_stopping": 3,
            "plateau_patience": 0,
            "autocast": Autocast.FP16,
            "accumulate": 2,
            "drawing_threads": 2,
        },
    ],
    ids=["cosine", "everything"],
)
def test_a_killed_run_goes_on_as_if_nothing_had_happened(config, tmp_path, choices):
    """Bit for bit: weights, their average, their best, and every measurement."""
    config = replace(
        config,
        model=replace(TINY, dropout=0.2),
        steps=9,
        evaluate_every_steps=2,
        checkpoint_every_steps=4,
        **choices,
    )
    run(config, tmp_path / "whole")
    with pytest.raises(KilledError):
        run(config, tmp_path / "cut", should_stop=killed_at(7))
    torch.manual_seed(999)
    _, reports, notes = run(config, tmp_path / "cut")
    assert "Going on from step 4" in " ".join(notes)
    assert reports[0].step > 4
    assert log_of(tmp_path / "cut") == log_of(tmp_path / "whole")
    saved = [
        torch.load(tmp_path / name / STATE_FILE, weights_only=True) for name in ("whole", "cut")
    ]
    for state in saved:
        state.pop("elapsed_s")
    assert_same(*saved)
    for name in ("weights.safetensors", BEST_FILE):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "cut" / name).read_bytes()


def assert_same(one, other, place="state"):
    assert type(one) is type(other), place
    if isinstance(one, dict):
        assert one.keys() == other.keys(), place
        for key, value in one.items():
            assert_same(value, other[key], f"{place}.{key}")
    elif isinstance(one, list | tuple):
        for at, pair in enumerate(zip(one, other, strict=True)):
            assert_same(*pair, f"{place}[{at}]")
    elif isinstance(one, torch.Tensor):
        assert torch.equal(one, other), place
    else:
        assert one == other, place


def test_a_stop_saves_what_was_learnt(config, tmp_path):
    """Four steps and five more after a polite stop are nine at once."""
    config = replace(config, steps=9)
    whole, _, _ = run(config, tmp_path / "whole")
    answers = iter([False, False, False, True])
    stopped, _, _ = run(config, tmp_path / "cut", should_stop=lambda: next(answers))
    assert stopped.ending is Ending.INTERRUPTED
    assert torch.load(tmp_path / "cut" / STATE_FILE, weights_only=True)["step"] == 4
    resumed, _, _ = run(config, tmp_path / "cut")
    assert resumed.ending is Ending.COMPLETE
    assert resumed.weights.read_bytes() == whole.weights.read_bytes()


def test_training_writes_weights_and_a_log_and_then_has_nothing_left_to_do(config, tmp_path):
    outcome, reports, _ = run(config, tmp_path / "run")
    assert load_lifter(outcome.weights).name == load_lifter(outcome.best).name == "tiny"
    last = json.loads((tmp_path / "run" / LOG_FILE).read_text().splitlines()[-1])
    assert last["step"] == 6
    assert {"clean_mpjpe_mm", "clean_pa_mpjpe_mm", "noisy_mpjpe_mm"} <= set(last)
    assert reports[-1].share_done == 1
    before = outcome.weights.read_bytes()
    again, reports, _ = run(config, tmp_path / "run")
    assert again.weights.read_bytes() == before
    assert reports == []


def test_a_lifter_that_reads_hints_is_measured_with_them(config, tmp_path):
    config = replace(config, model=replace(TINY, reads_hint=True), steps=2)
    _, reports, _ = run(config, tmp_path / "run")
    assert "hinted_mpjpe_mm" in reports[-1].measured_mm


def test_it_learns(config, tmp_path):
    config = replace(config, steps=30, learning_rate=5e-3, evaluate_every_steps=10)
    _, reports, _ = run(config, tmp_path / "run")
    assert reports[-1].loss_m < 0.7 * reports[0].loss_m
    assert reports[-1].learning_rate < 0.05 * 5e-3


def test_a_run_without_progress_stops_early_and_keeps_its_best(config, tmp_path):
    config = replace(
        config, steps=500, learning_rate=1e-12, early_stopping=2, evaluate_every_steps=3
    )
    outcome, reports, _ = run(config, tmp_path / "run")
    assert outcome.ending is Ending.STOPPED_EARLY
    assert reports[-1].step == 9  # the first evaluation is the best, and two more bring nothing
    again, reports, _ = run(config, tmp_path / "run")
    assert again.ending is Ending.STOPPED_EARLY
    assert reports == []


@pytest.fixture
def pairs(config, tmp_path):
    return replace(
        config,
        motion=None,
        pairs=str(write_combined(tmp_path / "mpi_inf_combined.npz", frames=40)),
        held_out_share=0.1,
        steps=None,
        epochs=3,
        frames_per_step=8,
        window_frames={1: 1.0},
        schedule=Schedule.PLATEAU,
        difficulty=Difficulty(bodies=False, noise=0, definitions=False, hiding=False, hint=0),
    )


def test_pairs_are_learnt_from_by_epochs_and_leave_their_normalisation(pairs, tmp_path):
    _, reports, notes = run(pairs, tmp_path / "run")
    # 36 frames in steps of 8: five steps an epoch, and an evaluation after each.
    assert [report.step for report in reports if report.measured_mm] == [5, 10, 15]
    assert "held_out_mpjpe_mm" in reports[-1].measured_mm
    assert notes[0] == "36 frames to learn from, 4 held out."
    assert "always unknown: nose" in notes[1]
    with np.load(tmp_path / "run" / NORMALISATION_FILE) as file:
        assert file["frames"] == 36


def test_a_killed_run_on_pairs_goes_on_as_well(pairs, tmp_path):
    pairs = replace(pairs, checkpoint_every_steps=4)
    whole, _, _ = run(pairs, tmp_path / "whole")
    with pytest.raises(KilledError):
        run(pairs, tmp_path / "cut", should_stop=killed_at(11))
    resumed, _, _ = run(pairs, tmp_path / "cut")
    assert resumed.weights.read_bytes() == whole.weights.read_bytes()
    assert resumed.best.read_bytes() == whole.best.read_bytes()


def test_out_of_memory_is_told_and_the_run_goes_on(config, tmp_path, monkeypatch):
    forward = Lifter.forward

    def cramped(self, rays, *others):
        if self.training and len(rays) > 4:
            raise torch.OutOfMemoryError("CUDA out of memory (injected)")
        return forward(self, rays, *others)

    monkeypatch.setattr(Lifter, "forward", cramped)
    config = replace(config, window_frames={9: 1.0})
    outcome, _, notes = run(config, tmp_path / "run")
    assert outcome.ending is Ending.COMPLETE
    assert "Out of memory: batches now go through in 2 parts." in notes
    assert torch.load(tmp_path / "run" / STATE_FILE, weights_only=True)["parts"] == 2


def test_epochs_are_refused_where_there_are_none(config, tmp_path):
    config = replace(config, steps=None, epochs=3)
    with pytest.raises(ConfigInvalid, match="'steps' or 'minutes'"):
        run(config, tmp_path / "run")


@pytest.mark.parametrize(
    ("device", "words"), [("tpu0", "auto, cpu or cuda"), ("cuda", "no usable CUDA device")]
)
def test_devices_that_are_not_there_are_refused(config, tmp_path, device, words):
    if device == "cuda" and torch.cuda.is_available():
        pytest.skip("there is a CUDA device here")
    with pytest.raises(ConfigInvalid, match=words):
        run(replace(config, device=device), tmp_path / "run")


def test_a_damaged_state_is_refused(config, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / STATE_FILE).write_bytes(b"nonsense")
    with pytest.raises(CheckpointInvalid, match="Cannot go on"):
        run(config, tmp_path / "run")


def test_a_run_may_start_from_other_weights(config, tmp_path):
    first, _, _ = run(config, tmp_path / "first")
    start = replace(config, start_from=str(first.weights), learning_rate=1e-12, steps=1)
    second, _, notes = run(start, tmp_path / "second")
    assert any(words.startswith("Started from the weights of 'tiny'") for words in notes)
    ours, theirs = (load_lifter(each.weights).model.state_dict() for each in (second, first))
    for name, value in theirs.items():
        torch.testing.assert_close(ours[name], value, rtol=0, atol=1e-9)


def test_measuring_uses_present_frames_of_unseen_people(config, tmp_path):
    library = load_motion(tmp_path / "motion.npz").of_subjects(["01"], inside=True)
    chosen = HeldOutSet.draw(library, Dice(0), 3, CLEAN)
    measured = measure(make_lifter(), chosen, CPU)
    assert measured["pa_mpjpe_mm"] <= measured["mpjpe_mm"]
    assert measured["n_mpjpe_mm"] > 0
