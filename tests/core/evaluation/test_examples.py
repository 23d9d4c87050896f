import numpy as np
import pytest

from core.evaluation.examples import choose_examples
from core.evaluation.stretches import ClipPoses


def off_by(name: str, error_m: float) -> ClipPoses:
    truth = np.zeros((4, 2, 3))
    return ClipPoses(name, "walk", truth + np.array([error_m, 0, 0]), truth, None)


def test_first_median_and_worst():
    errors = {"a": 0.03, "b": 0.01, "c": 0.2, "d": 0.05, "e": 0.02}
    examples = choose_examples([off_by(name, error) for name, error in errors.items()])
    chosen = {example.why: example.stretch.clip for example in examples}
    assert chosen == {"first": "a", "median": "a", "worst": "c"}
    assert examples[2].mpjpe_mm == pytest.approx(200)


def test_a_clip_without_predictions_is_never_an_example():
    examples = choose_examples([off_by("a", np.nan), off_by("b", 0.1), off_by("c", np.nan)])
    assert {example.stretch.clip for example in examples} == {"b"}
    assert choose_examples([off_by("a", np.nan)]) == ()


def test_single_missing_frames_do_not_hide_a_clip():
    partly = off_by("a", 0.1)
    partly.predicted_m[1] = np.nan
    assert choose_examples([partly])[0].mpjpe_mm == pytest.approx(100)
