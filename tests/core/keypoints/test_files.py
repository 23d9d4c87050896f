"""A user's own keypoints are read, or refused in a sentence that names the field."""

import numpy as np
import pytest

from core.errors import KeypointsInvalid, OptionError
from core.keypoints.files import read_keypoints

FRAMES, JOINTS = 5, 17
GOOD = {
    "keypoints": np.linspace(10, 600, FRAMES * JOINTS * 2).reshape(FRAMES, JOINTS, 2),
    "confidence": np.full((FRAMES, JOINTS), 0.8),
    "fps": 25.0,
    "width": 1920,
    "height": 1080,
}


@pytest.fixture
def write(tmp_path):
    def write(**changes):
        fields = {name: value for name, value in (GOOD | changes).items() if value is not None}
        np.savez(tmp_path / "K.npz", **fields)
        return tmp_path / "K.npz"

    return write


def test_a_good_file(write):
    file = read_keypoints(write(), "coco17")
    assert file.keypoints_px.shape == (FRAMES, 33, 2)
    assert file.keypoints_px.dtype == file.confidence.dtype == np.float32
    np.testing.assert_allclose(file.keypoints_px[:, 0], GOOD["keypoints"][:, 0], rtol=1e-6)
    np.testing.assert_allclose(file.frame_time_s, [0, 0.04, 0.08, 0.12, 0.16])
    assert (file.width_px, file.height_px) == (1920, 1080)
    assert set(np.unique(file.confidence)) == {np.float32(0), np.float32(0.8)}


def test_times_win_over_the_rate(write):
    times = np.array([0, 0.1, 0.15, 0.4, 2.0])
    file = read_keypoints(write(frame_time_s=times), "coco17")
    np.testing.assert_array_equal(file.frame_time_s, times)
    assert read_keypoints(write(frame_time_s=times, fps=None), "coco17").width_px == 1920


def test_without_confidence_what_is_finite_is_certain(write):
    keypoints = GOOD["keypoints"].copy()
    keypoints[2, 0] = np.nan
    file = read_keypoints(write(confidence=None, keypoints=keypoints), "coco17")
    assert file.confidence[2, 0] == 0
    assert (file.confidence[[0, 1, 3, 4], 0] == 1).all()


def test_confidence_that_is_not_a_number_hides_the_keypoint(write):
    confidence = GOOD["confidence"].copy()
    confidence[1, 0] = np.nan
    file = read_keypoints(write(confidence=confidence), "coco17")
    assert file.confidence[1, 0] == 0
    assert np.isnan(file.keypoints_px[1, 0]).all()


def test_whole_numbers_and_arrays_of_one_will_do(write):
    fields = {"keypoints": GOOD["keypoints"].astype(np.int32), "fps": np.array([30])}
    file = read_keypoints(write(**fields, width=np.array([[1920.0]])), "coco17")
    assert file.width_px == 1920


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"keypoints": None}, "no field 'keypoints'"),
        ({"keypoints": np.zeros((FRAMES, JOINTS, 3))}, r"\(frames, joints, 2\)"),
        ({"keypoints": np.zeros((FRAMES, JOINTS))}, r"\(frames, joints, 2\)"),
        ({"keypoints": np.zeros((0, JOINTS, 2))}, "no frames"),
        ({"keypoints": np.full((FRAMES, JOINTS, 2), np.nan)}, "no keypoint that is known"),
        ({"keypoints": GOOD["keypoints"] / 1000}, "in pixels"),
        ({"keypoints": GOOD["keypoints"] * 1e6}, "far outside"),
        ({"keypoints": np.full((FRAMES, JOINTS, 2), "left")}, "instead of numbers"),
        ({"keypoints": np.zeros((FRAMES, 33, 2)), "confidence": None}, r"Is it mediapipe33\?"),
        ({"keypoints": np.full((FRAMES, JOINTS, 2), None)}, "Python objects"),
        ({"confidence": np.ones((FRAMES, 16))}, "'confidence' has shape"),
        ({"confidence": np.full((FRAMES, JOINTS), 80.0)}, "between 0 and 1"),
        ({"confidence": np.full((FRAMES, JOINTS), -0.1)}, "between 0 and 1"),
        ({"fps": None}, "'fps' or 'frame_time_s'"),
        ({"fps": 0}, "'fps' is 0"),
        ({"fps": np.nan}, "'fps' is nan"),
        ({"fps": np.array([25.0, 30.0])}, "one number"),
        ({"frame_time_s": np.arange(4)}, "'frame_time_s' has shape"),
        ({"frame_time_s": np.array([0, 1, np.nan, 3, 4])}, "not a number at frame 2"),
        ({"frame_time_s": np.array([0, 1, 1, 3, 4])}, "goes from 1 to 1 at frame 2"),
        ({"frame_time_s": np.array([0, 1, 2, 3, 2.5])}, "at frame 4"),
        ({"width": None}, "no field 'width'"),
        ({"height": None}, "no field 'height'"),
        ({"width": -5}, "'width' is -5"),
        ({"width": 100.5}, "whole number"),
        ({"height": 10**6}, "at most 65536"),
    ],
)
def test_what_is_wrong_is_said(write, changes, words):
    with pytest.raises(KeypointsInvalid, match=words):
        read_keypoints(write(**changes), "coco17")


def test_an_unknown_layout_comes_first(tmp_path):
    with pytest.raises(OptionError, match="coco17"):
        read_keypoints(tmp_path / "nothing.npz", "coco")


def test_files_that_are_no_npz(tmp_path):
    for name, content in (("text.npz", b"keypoints"), ("empty.npz", b"")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(KeypointsInvalid, match=name):
            read_keypoints(tmp_path / name, "coco17")
    np.save(tmp_path / "one.npy", np.zeros(3))
    with pytest.raises(KeypointsInvalid, match=r"one\.npy"):
        read_keypoints(tmp_path / "one.npy", "coco17")
    with pytest.raises(KeypointsInvalid, match="no file"):
        read_keypoints(tmp_path / "nothing.npz", "coco17")
    with pytest.raises(KeypointsInvalid, match="folder"):
        read_keypoints(tmp_path, "coco17")


def test_a_cut_off_file(write):
    path = write()
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(KeypointsInvalid):
        read_keypoints(path, "coco17")


def test_damaged_contents(write):
    path = write()
    content = bytearray(path.read_bytes())
    content[300:400] = b"\xff" * 100
    path.write_bytes(content)
    with pytest.raises(KeypointsInvalid):
        read_keypoints(path, "coco17")
