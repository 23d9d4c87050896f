"""What a lifter was told of each joint, in one walk through a clip."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from core.evaluation.circumstances_seen import TellsCircumstances, circumstances_of
from core.evaluation.predictions import CAMERA, track_of
from core.evaluation.whole_clips import CONDITIONS, draw_clips
from core.lifting.windows import WindowPlan
from core.models.circumstances import CIRCUMSTANCES
from core.training.dice import Dice
from core.training.motion import load_motion
from tests.core.models.inputs import AS_PACKAGED, make_lifter
from tests.core.training.motion_files import write_motion

CPU = torch.device("cpu")


@pytest.fixture
def lifter():
    return make_lifter(replace(AS_PACKAGED, circumstances=True)).requires_grad_(False)


@pytest.fixture
def clip(tmp_path):
    library = load_motion(write_motion(tmp_path / "motion.npz", subjects=("01",), frames=200))
    return draw_clips(library, Dice(0), 1, CONDITIONS["hidden"])


def test_it_is_what_the_lifter_says_of_a_window(lifter, clip):
    frames = WindowPlan().size
    names = ("joints_m", "rays", "confidence", "present", "time_s", "hint_m")
    window = clip._replace(**{name: getattr(clip, name)[:, :frames] for name in names})
    told = circumstances_of(lifter, track_of(window, 0), CAMERA, CPU)
    view, seconds = lifter.look(window.rays, window.confidence, window.time_s)
    steadiness = lifter.steadiness(view, seconds)
    wanted = lifter.circumstances(view, steadiness, window.hint_m)[0].numpy()
    assert told.shape == (frames, 28, len(CIRCUMSTANCES))
    there = window.present[0].numpy()
    np.testing.assert_allclose(told[there], wanted[there], atol=1e-5)
    assert np.isnan(told[~there]).all()


def test_every_window_is_looked_at_once(lifter, clip):
    looks = []
    lifter.circumstances.register_forward_hook(lambda *_: looks.append(1))
    circumstances_of(lifter, track_of(clip, 0), CAMERA, CPU)
    once = len(looks)
    tells = TellsCircumstances(lifter)
    tells(clip.rays, clip.confidence, clip.time_s)
    assert len(looks) == once + 1
    assert once < len(CIRCUMSTANCES)  # batches of up to eight windows; a walk for each was four


def test_a_lifter_that_does_not_go_by_them_has_none():
    with pytest.raises(ValueError, match="circumstances"):
        TellsCircumstances(make_lifter(AS_PACKAGED))
