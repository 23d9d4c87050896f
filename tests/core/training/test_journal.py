import json
import sys

import pytest

from core.training.journal import LOG_FILE, TENSORBOARD_FOLDER, Journal


def lines_of(folder):
    return [json.loads(line) for line in (folder / LOG_FILE).read_text().splitlines()]


def test_numbers_go_to_both_logs_and_terms_to_tensorboard(tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    with Journal(tmp_path, 0) as journal:
        journal.write(3, {"loss": 0.5}, {"loss/bone": 0.25})
    assert lines_of(tmp_path) == [{"step": 3, "loss": 0.5}]
    events = accumulator.EventAccumulator(str(tmp_path / TENSORBOARD_FOLDER)).Reload()
    assert set(events.Tags()["scalars"]) == {"loss", "loss/bone"}
    assert [(each.step, each.value) for each in events.Scalars("loss/bone")] == [(3, 0.25)]


def test_without_tensorboard_there_is_the_other_log(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)  # as if not installed
    with Journal(tmp_path, 0) as journal:
        assert not journal.has_tensorboard
        journal.write(3, {"loss": 0.5}, {})
    assert lines_of(tmp_path) == [{"step": 3, "loss": 0.5}]
    assert not (tmp_path / TENSORBOARD_FOLDER).exists()


def test_a_run_that_goes_on_forgets_what_will_come_again(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with Journal(tmp_path, 0) as journal:
        for step in (2, 4, 6):
            journal.write(step, {"loss": step / 10}, {})
    with (tmp_path / LOG_FILE).open("a") as file:
        file.write('{"step": 8, "lo')  # where a kill cut it short
    with Journal(tmp_path, 4) as journal:
        journal.write(6, {"loss": 9.0}, {})
    assert [(line["step"], line["loss"]) for line in lines_of(tmp_path)] == [
        (2, 0.2),
        (4, 0.4),
        (6, 9.0),
    ]
