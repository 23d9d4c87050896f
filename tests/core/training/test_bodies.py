import math

import torch

from core.skeleton import BODY
from core.training.bodies import (
    bones_of,
    heading,
    joints_of,
    mirrored,
    other_people,
    proportions,
    yawed,
)
from core.training.dice import Dice
from core.training.landmarks import place_landmarks
from core.training.noise import KEYPOINT_NAMES
from tests.core.training.motion_files import standing, walking

PERSON = torch.from_numpy(standing())


def test_bones_and_joints_are_inverse():
    moved = PERSON + torch.tensor([3.0, 1.0, -2.0])
    torch.testing.assert_close(joints_of(bones_of(moved)), PERSON - PERSON[BODY.root])


def test_mirror_twice_is_identity_and_once_keeps_bone_lengths():
    poses = torch.from_numpy(walking(5, 0))
    torch.testing.assert_close(mirrored(mirrored(poses)), poses)
    lengths = bones_of(poses).norm(dim=-1)[:, torch.from_numpy(BODY.mirror)]
    torch.testing.assert_close(bones_of(mirrored(poses)).norm(dim=-1), lengths)


def test_heading_follows_a_turn():
    angle = torch.tensor([[0.7, -2.0]])
    bones = bones_of(PERSON).expand(1, 2, 28, 3)
    assert abs(float(heading(bones)[0, 0])) < 1e-6
    torch.testing.assert_close(heading(yawed(bones, angle)), angle)


def test_other_people_have_other_sizes_and_stay_people():
    positions = torch.from_numpy(walking(3, 0)).expand(256, 3, 28, 3)
    retargeted = torch.zeros(256, dtype=torch.bool)
    people = other_people(Dice(0), positions, retargeted)
    lengths = bones_of(people).norm(dim=-1)
    torch.testing.assert_close(lengths[:, 0], lengths[:, 2], atol=0.2, rtol=0.2)
    thigh = lengths[:, 0, BODY.index("left_knee")]
    assert 0.2 < thigh.min() < 0.36
    assert 0.45 < thigh.max() < 0.7
    sides = lengths[..., BODY.index("left_knee")] / lengths[..., BODY.index("right_knee")]
    assert (sides[:, 0] - 1).abs().median() < 0.05


def test_the_stock_figure_gets_wider_shoulders():
    own = proportions(Dice(1), torch.zeros(500, dtype=torch.bool))[0]
    stock = proportions(Dice(1), torch.ones(500, dtype=torch.bool))[0]
    joint = BODY.index("left_shoulder")
    assert 1.1 < float(stock[:, joint].mean() / own[:, joint].mean()) < 1.25


def test_nominal_landmarks_are_where_a_person_has_them():
    pose = PERSON.expand(1, 1, 28, 3)
    marks = place_landmarks(Dice(0), pose, torch.zeros(1, 1), vary=torch.tensor([False]))[0, 0]
    at = {name: marks[KEYPOINT_NAMES.index(name)] for name in KEYPOINT_NAMES}
    hips = float((at["left_hip"] - at["right_hip"]).norm())
    shoulders = float((at["left_shoulder"] - at["right_shoulder"]).norm())
    assert math.isclose(hips, 0.20, abs_tol=0.015)
    assert math.isclose(shoulders, 0.36, abs_tol=0.015)
    assert at["nose"][2] > at["left_eye"][2] > at["left_ear"][2]  # the face looks along +z
    assert at["left_eye"][1] > at["nose"][1] > at["mouth_left"][1]
    assert at["left_heel"][2] < at["left_ankle"][2] < at["left_foot_index"][2]
    assert at["left_heel"][1] < at["left_ankle"][1]
    for name in KEYPOINT_NAMES:
        if name.startswith("left") and not name.startswith("left_hand"):
            assert at[name][0] > 0, name


def test_landmarks_wander_only_in_the_windows_that_say_so():
    pose = torch.from_numpy(walking(2, 0))[None].expand(2, -1, -1, -1)
    marks = place_landmarks(Dice(0), pose, torch.zeros(2, 2), vary=torch.tensor([True, False]))
    off_m = (
        marks[:, :, KEYPOINT_NAMES.index("left_knee")] - pose[:, :, BODY.index("left_knee")]
    ).norm(dim=-1)
    assert (off_m[0] > 1e-3).all()
    assert (off_m[1] < 1e-6).all()


def test_a_fitted_skeleton_has_wide_hips_and_narrow_shoulders():
    pose = PERSON.expand(200, 1, 28, 3)
    fitted = torch.arange(200) % 2 == 0
    marks = place_landmarks(
        Dice(0), pose, torch.zeros(200, 1), vary=torch.zeros(200, dtype=torch.bool), fitted=fitted
    )[:, 0]

    def across_m(part: str) -> torch.Tensor:
        ends = [marks[:, KEYPOINT_NAMES.index(f"{side}_{part}")] for side in ("left", "right")]
        return (ends[0] - ends[1]).norm(dim=-1)

    plain_hips, plain_shoulders = across_m("hip")[1], across_m("shoulder")[1]
    wider, closer = across_m("hip") - plain_hips, plain_shoulders - across_m("shoulder")
    assert (wider[~fitted].abs() < 1e-5).all()
    assert (closer[~fitted].abs() < 1e-5).all()
    assert 0.039 < float(wider[fitted].min()) < 0.05 < 0.09 < float(wider[fitted].max()) < 0.101
    assert -1e-5 < float(closer[fitted].min()) < 0.01 < 0.05 < float(closer[fitted].max()) < 0.061


def test_a_mirrored_person_has_mirrored_landmarks():
    pose = torch.from_numpy(walking(1, 0))[None]
    now = torch.zeros(1, 1)
    body = [i for i, name in enumerate(KEYPOINT_NAMES) if "hand" not in name][:17]
    marks = place_landmarks(Dice(0), pose, now, vary=torch.tensor([False]))[0, 0]
    other = place_landmarks(Dice(0), mirrored(pose), now, vary=torch.tensor([False]))[0, 0]
    from core.skeleton import KEYPOINT_MIRROR

    swapped = other[torch.from_numpy(KEYPOINT_MIRROR)] * torch.tensor([-1.0, 1.0, 1.0])
    torch.testing.assert_close(swapped[body], marks[body], atol=1e-5, rtol=0)
