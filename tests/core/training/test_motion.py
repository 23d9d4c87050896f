import numpy as np
import pytest
import torch

from core.skeleton import BODY
from core.training.dice import Dice
from core.training.motion import MotionInvalid, load_motion
from core.training.tempo import draw_windows, frame_times
from tests.core.training.motion_files import walking, write_motion


def test_clips_are_read_and_split_by_subject(tmp_path):
    library = load_motion(write_motion(tmp_path / "motion.npz"))
    assert library.names == ("02_01", "05_01", "01_01")
    np.testing.assert_allclose(library.positions_m[90:180], walking(90, 1), atol=2e-4)
    unseen = library.of_subjects(["01"], inside=True)
    seen = library.of_subjects(["01"], inside=False)
    assert (unseen.subjects, seen.subjects) == (("01",), ("02", "05"))
    assert unseen.starts.tolist() == [180]
    assert seen.retargeted.tolist() == [False, True]
    with pytest.raises(MotionInvalid, match="no clip of subjects 77"):
        library.of_subjects(["77"], inside=True)


def test_a_number_that_is_none_is_named_by_clip_and_frame(tmp_path):
    positions = np.concatenate([walking(90, seed) for seed in range(3)])
    positions[97, 3, 1] = np.nan
    path = write_motion(tmp_path / "motion.npz", pos=positions, unit_m=np.float32(1))
    with pytest.raises(MotionInvalid, match=r"'05_01'.*frame 7"):
        load_motion(path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ptr": None}, "no field ptr"),
        ({"joint_names": np.array(BODY.names[::-1])}, "another order"),
    ],
)
def test_other_files_are_refused_in_words(tmp_path, changes, words):
    with pytest.raises(MotionInvalid, match=words):
        load_motion(write_motion(tmp_path / "motion.npz", **changes))


def test_a_damaged_or_missing_file_is_refused(tmp_path):
    broken = tmp_path / "broken.npz"
    broken.write_bytes(b"PK\x03\x04 no zip at all")
    for path in (broken, tmp_path / "missing.npz"):
        with pytest.raises(MotionInvalid, match="Cannot read motion"):
            load_motion(path)


def test_windows_follow_the_capture_and_swing_back_at_its_end(tmp_path):
    library = load_motion(write_motion(tmp_path / "motion.npz", subjects=("02",)))
    time_s = (torch.arange(200) / 60.0)[None]
    window = draw_windows(library, Dice(0), time_s, change_tempo=False)
    captured = library.positions_m
    torch.testing.assert_close(window.positions_m[0, :90], captured, atol=1e-3, rtol=0)
    torch.testing.assert_close(
        window.positions_m[0, 90:179], captured[:89].flip(0), atol=1e-3, rtol=0
    )


def test_between_frames_the_pose_is_interpolated(tmp_path):
    library = load_motion(write_motion(tmp_path / "motion.npz", subjects=("02",)))
    window = draw_windows(library, Dice(3), torch.tensor([[0.0, 1 / 120]]), change_tempo=False)
    nearest = (library.positions_m - window.positions_m[0, 0]).abs().amax((1, 2)).amin()
    assert nearest < 0.02


def test_frame_times_rise_from_zero():
    time_s = frame_times(Dice(0), 64, 20)
    assert (time_s[:, 0] == 0).all()
    assert (time_s.diff(dim=1) > 0).all()
    assert time_s[:, -1].max() / time_s[:, -1].min() > 3  # slow and fast cameras
