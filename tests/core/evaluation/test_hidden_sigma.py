"""The packaged lifter is surer of what it sees than of what it cannot see."""

import pytest
import torch

from core.checkpoints import load_lifter
from core.evaluation.whole_clips import LIMBS
from core.models.mirror import MirrorAveraged
from core.skeleton import BODY
from core.training.dice import Dice
from core.training.motion import load_motion
from core.training.sampler import NOISY, draw_batch
from tests.core.training.motion_files import write_motion

_JOINTS_OF = {
    "left arm": ("left_elbow", "left_wrist", "left_hand"),
    "left leg": ("left_knee", "left_ankle", "left_foot"),
    "right arm": ("right_elbow", "right_wrist", "right_hand"),
    "right leg": ("right_knee", "right_ankle", "right_foot"),
}


@pytest.fixture(scope="module")
def model():
    return MirrorAveraged(load_lifter().model).eval()


@pytest.fixture(scope="module")
def batch(tmp_path_factory):
    path = write_motion(tmp_path_factory.mktemp("motion") / "motion.npz", subjects=("01", "09"))
    return draw_batch(load_motion(path), Dice(0), 12, 27, NOISY)


@pytest.fixture(scope="module")
def seen_m(model, batch):
    with torch.inference_mode():
        return model(batch.rays, batch.confidence, batch.time_s).sigma_m


@pytest.mark.parametrize(("limb", "name"), list(enumerate(_JOINTS_OF)))
def test_sigma_is_wider_where_a_limb_is_hidden(model, batch, seen_m, limb, name):
    hidden = batch.confidence.clone()
    hidden[:, :, LIMBS[limb]] = 0
    present = (hidden > 0).any(-1)
    joints = [BODY.index(joint) for joint in _JOINTS_OF[name]]
    with torch.inference_mode():
        unseen = model(batch.rays, hidden, batch.time_s).sigma_m[present][:, joints]
    seen = seen_m[present][:, joints]
    assert (unseen.mean(0) > 1.4 * seen.mean(0)).all()
    assert (unseen > seen).float().mean() > 0.9
