import numpy as np
import pytest
from PIL import Image

from core.errors import OptionError
from core.evaluation.reliability_plot import check_format, draw_reliability
from core.evaluation.scoring import Evaluation, evaluate
from core.evaluation.stretches import ClipPoses, ScoredJoints

JOINTS = ScoredJoints(("pelvis", "knee"), ((1, 0),), root=0)


def case(seed: int, scale: float) -> Evaluation:
    rng = np.random.default_rng(seed)
    sigma = rng.uniform(0.01, 0.1, (200, 2))
    truth = np.zeros((200, 2, 3))
    predicted = truth.copy()
    predicted[..., 0] = rng.gamma(3, scale * sigma / 3)
    return evaluate([ClipPoses("a", "walk", predicted, truth, None, sigma)], JOINTS)


@pytest.mark.parametrize("ending", ["svg", "pdf"])
def test_equal_numbers_give_an_equal_file(tmp_path, ending):
    cases = {"clean": case(0, 1.0), "noisy": case(1, 3.0)}
    for name in ("a", "b"):
        draw_reliability(cases, "tiny", tmp_path / f"{name}.{ending}")
    first, second = ((tmp_path / f"{name}.{ending}").read_bytes() for name in "ab")
    assert first == second
    draw_reliability({"clean": case(0, 2.0)}, "tiny", tmp_path / f"c.{ending}")
    assert (tmp_path / f"c.{ending}").read_bytes() != first


def test_a_method_without_sigma_leaves_an_empty_plot(tmp_path):
    truth = np.zeros((3, 2, 3))
    without = evaluate([ClipPoses("a", "walk", truth, truth, None)], JOINTS)
    draw_reliability({"clean": without, "noisy": case(0, 1.0)}, "tiny", tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.size == (1152, 528)


def test_other_endings_are_refused_before_anything_is_measured(tmp_path):
    with pytest.raises(OptionError, match=r"\.svg"):
        check_format(tmp_path / "plot.jpg")
