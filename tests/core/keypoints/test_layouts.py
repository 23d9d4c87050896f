"""Other people's 2D joints find their places among our 33 keypoints."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import KeypointsInvalid, OptionError
from core.keypoints.layouts import LAYOUTS, find_layout, to_keypoints
from core.skeleton import KEYPOINT_MIRROR, KEYPOINT_NAMES

# As each dataset lists its joints; None where we have no such keypoint.
# https://cocodataset.org/#keypoints-2020
COCO = [
    *("nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder"),
    *("right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip"),
    *("right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle"),
]
# https://github.com/Fang-Haoshu/Halpe-FullBody: 17 Head, 18 Neck, 19 Hip, 20 LBigToe, 21 RBigToe,
# 22 LSmallToe, 23 RSmallToe, 24 LHeel, 25 RHeel
HALPE = [
    *(*COCO, None, None, None, "left_foot_index", "right_foot_index", None, None),
    *("left_heel", "right_heel"),
]
# https://github.com/facebookresearch/VideoPose3D, common/h36m_dataset.py, 32 joints reduced to 17
H36M = [
    *(None, "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle", None),
    *(None, "nose", None, "left_shoulder", "left_elbow", "left_wrist", "right_shoulder"),
    *("right_elbow", "right_wrist"),
]
ORDERS = {"coco17": COCO, "halpe26": HALPE, "h36m17": H36M, "mediapipe33": list(KEYPOINT_NAMES)}


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_joint_lands_where_its_name_is(name):
    order = ORDERS[name]
    joints = np.arange(2 * len(order), dtype=np.float32).reshape(1, -1, 2) + 1
    confidence = np.linspace(0.1, 1, len(order), dtype=np.float32)[None]
    keypoints, mapped = to_keypoints(joints, confidence, name)
    for place, ours in enumerate(KEYPOINT_NAMES):
        if ours in order:
            theirs = order.index(ours)
            np.testing.assert_array_equal(keypoints[0, place], joints[0, theirs])
            assert mapped[0, place] == confidence[0, theirs]
        else:
            assert np.isnan(keypoints[0, place]).all()
            assert mapped[0, place] == 0


@pytest.mark.parametrize("name", LAYOUTS)
def test_left_has_a_right(name):
    places = find_layout(name).places
    for ours in places:
        assert KEYPOINT_NAMES[KEYPOINT_MIRROR[KEYPOINT_NAMES.index(ours)]] in places


@given(st.data())
def test_missing_is_always_nan_with_confidence_zero(data):
    name = data.draw(st.sampled_from(sorted(LAYOUTS)))
    count = LAYOUTS[name].joints
    hidden = np.array(data.draw(st.lists(st.booleans(), min_size=count, max_size=count)))
    doubted = np.array(data.draw(st.lists(st.booleans(), min_size=count, max_size=count)))
    joints = np.full((1, count, 2), 7, np.float32)
    joints[0, hidden, 1] = np.nan
    confidence = np.where(doubted, 0, 1).astype(np.float32)[None]
    keypoints, mapped = to_keypoints(joints, confidence, name)
    np.testing.assert_array_equal(np.isnan(keypoints).all(-1), mapped == 0)
    np.testing.assert_array_equal(np.isnan(keypoints).any(-1), mapped == 0)
    kept = (~hidden & ~doubted)[list(LAYOUTS[name].places.values())].sum()
    assert (mapped > 0).sum() == kept


@pytest.mark.parametrize(
    ("typed", "meant"), [("coco", "coco17"), ("COCO17", "coco17"), ("h36m", "h36m17")]
)
def test_an_unknown_layout_names_the_nearest(typed, meant):
    with pytest.raises(OptionError, match=f"Did you mean '{meant}'"):
        find_layout(typed)


def test_a_layout_unlike_any_lists_them_all():
    with pytest.raises(OptionError, match="coco17, h36m17, halpe26, mediapipe33"):
        find_layout("openpose")


def test_a_wrong_number_of_joints_says_which_layout_would_fit():
    joints, confidence = np.zeros((2, 26, 2), np.float32), np.ones((2, 26), np.float32)
    with pytest.raises(KeypointsInvalid, match=r"has 17 joints.*have 26\. Is it halpe26\?"):
        to_keypoints(joints, confidence, "coco17")
