import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import DatasetInvalid
from core.evaluation.reference import LIMB_JOINTS, read_reference
from tests.core.evaluation.reference_files import limbs, write_reference


def test_joints_are_found_by_name_in_any_order_among_others(tmp_path):
    names = [*reversed(LIMB_JOINTS), "nose", "pelvis"]
    truth = limbs(5)
    joints = np.zeros((5, len(names), 3))
    for place, name in enumerate(LIMB_JOINTS):
        joints[:, names.index(name)] = truth[:, place]
    path = write_reference(tmp_path / "r.npz", joints, joint_names=np.array(names))
    reference = read_reference(path)
    np.testing.assert_array_equal(reference.limbs_m, truth)
    assert (reference.name, reference.R_camera_world) == ("r", None)


def test_between_its_frames_it_is_linear_and_outside_it_is_nan(tmp_path):
    truth = limbs(4)
    reference = read_reference(write_reference(tmp_path / "r.npz", truth, fps=50))
    np.testing.assert_allclose(
        reference.at(np.array([0.03])), (0.5 * truth[1] + 0.5 * truth[2])[None], atol=1e-12
    )
    found = reference.at(np.array([-0.01, 0.0, 0.06, 0.07]))
    assert np.isnan(found).all((1, 2)).tolist() == [True, False, False, True]


def test_it_does_not_guess_across_a_gap_or_beside_a_missing_joint(tmp_path):
    truth = limbs(6)
    truth[5, 3] = np.nan
    times = np.array([0.0, 0.02, 0.04, 1.0, 1.02, 1.04])
    reference = read_reference(write_reference(tmp_path / "r.npz", truth, frame_time_s=times))
    assert np.isnan(reference.at(np.array([0.5]))).all()
    beside = reference.at(np.array([1.03]))[0]
    assert np.isnan(beside[3]).all()
    assert np.isfinite(np.delete(beside, 3, 0)).all()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_a_known_camera_turns_the_joints_into_its_axes(tmp_path_factory, seed):
    rotation, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    rotation *= np.sign(np.linalg.det(rotation))
    camera = np.eye(4)
    camera[:3, :3], camera[:3, 3] = rotation, [1, 2, 3]
    in_camera = limbs(3)
    world = in_camera @ rotation.T + camera[:3, 3]
    path = tmp_path_factory.mktemp("r") / "r.npz"
    reference = read_reference(write_reference(path, world, T_world_camera=camera))
    found = reference.at(reference.time_s)
    apart = (found - in_camera)[0, 0]
    np.testing.assert_allclose(found - apart, in_camera, atol=1e-9)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"joints_3d": None}, "no field joints_3d"),
        ({"joint_names": None}, "no field joint_names"),
        ({"frame_time_s": None}, "no field frame_time_s"),
        ({"joint_names": np.array(["left_hip"] * 12)}, "lacks left_shoulder"),
        ({"joint_names": np.arange(12)}, "joint_names is of type"),
        ({"frame_time_s": np.array([0.0, 0.1, 0.1, 0.2])}, "rising"),
        ({"frame_time_s": np.array([0.0, np.nan, 0.1, 0.2])}, "rising"),
        ({"frame_time_s": np.zeros((4, 1))}, "for 0 times"),
        ({"joints_3d": limbs(4)[..., :2]}, "must be \\(frames, joints, 3\\)"),
        ({"joints_3d": 1000 * limbs(4)}, "must be in metres"),
        ({"joints_3d": np.full((4, 12, 3), np.nan)}, "in no frame"),
        ({"T_world_camera": np.eye(3)}, "4 x 4"),
        ({"T_world_camera": 2 * np.eye(4)}, "does not hold a rotation"),
        ({"T_world_camera": np.diag([-1.0, 1, 1, 1])}, "does not hold a rotation"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(tmp_path, changes, words):
    path = write_reference(tmp_path / "r.npz", limbs(4), **changes)
    with pytest.raises(DatasetInvalid, match=words):
        read_reference(path)


def test_damaged_and_missing_files_are_refused_in_words(tmp_path):
    for name, content in (("a.npz", b"nothing"), ("b.npz", b"PK\x03\x04"), ("c.npz", None)):
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(DatasetInvalid, match="Cannot read"):
            read_reference(tmp_path / name)
    np.save(tmp_path / "d.npy", np.zeros(3))
    with pytest.raises(DatasetInvalid, match="Cannot read"):
        read_reference(tmp_path / "d.npy")
