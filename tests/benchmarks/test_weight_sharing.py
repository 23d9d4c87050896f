"""The table over graph choices: all are measured, all are treated alike."""

import pytest
import torch
from rich.console import Console

from benchmarks.weight_sharing import CHOICES, Budget, compare, main
from core.models import GraphWeights
from tests.core.training.motion_files import write_motion


@pytest.fixture(autouse=True)
def _threads_as_before():
    """What is measured sets its own number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_every_choice_is_measured(tmp_path):
    motion = write_motion(tmp_path / "motion.npz")
    rows = compare(motion, Budget(1, 2, 2), 0, Console(quiet=True)).rows
    by_name = {row["choice"]: row for row in rows}
    assert list(by_name) == list(CHOICES)
    weights = {row["choice"]: row["parameters_k"] for row in rows}
    names = [str(sharing) for sharing in GraphWeights]
    assert weights[names[0]] < weights[names[1]] < weights["per_edge"] < weights["per_joint"]
    assert by_name["per_joint"]["noisy_mm"] != by_name["per_joint, another seed"]["noisy_mm"]
    assert all(row["peak_mib"] > 0 for row in rows)


def test_motion_that_cannot_be_read_is_a_sentence(tmp_path, capsys):
    assert main(["--motion", str(tmp_path / "none.npz")]) == 1
    assert "none.npz" in capsys.readouterr().out
