import pickle
import sys

import numpy as np
import pytest

from core.errors import DatasetInvalid
from core.training.formats.joint_layouts import (
    CMU28,
    H36M17,
    HUMANEVA15,
    MPI_INF17,
    MPI_INF28,
)
from core.training.formats.motion_npz import read_motion
from core.training.formats.mpi_inf import read_annot, read_annot_data, read_combined
from core.training.formats.object_arrays import read_object
from core.training.formats.resection import camera_rotation
from core.training.formats.videopose3d import read_h36m, read_humaneva15
from tests.core.training.format_files import (
    H36M17 as H36M_NAMES,
)
from tests.core.training.format_files import (
    ROTATIONS,
    in_camera_m,
    in_world_m,
    turned,
    write_combined,
    write_videopose3d,
)
from tests.core.training.motion_files import walking, write_motion


@pytest.mark.parametrize("layout", [CMU28, MPI_INF28, MPI_INF17, H36M17, HUMANEVA15])
def test_layouts_are_consistent(layout):
    assert len(set(layout.body.values())) == len(layout.body)
    assert max([*layout.body.values(), *layout.keypoints.values()]) < layout.joints
    # A limb's keypoint and its joint are the same point of the dataset.
    shared = set(layout.body) & set(layout.keypoints)
    assert len(shared) == 12
    assert all(layout.body[name] == layout.keypoints[name] for name in shared)
    named = {(layout.names[child], layout.names[parent]) for child, parent in layout.bones}
    assert {("left_ankle", "left_knee"), ("right_wrist", "right_elbow")} <= named
    assert set(layout.gaps) <= set(layout.names)


@pytest.mark.parametrize("columns", [2, 3])
def test_combined_is_one_sequence_of_single_frames(tmp_path, columns):
    sequence = read_combined(write_combined(tmp_path / "mpi_inf_combined.npz", columns=columns))
    assert sequence.fps is None
    np.testing.assert_allclose(sequence.joints_m, in_camera_m(6), atol=1e-6)
    assert (sequence.confidence is None) == (columns == 2)
    if columns == 3:
        assert (sequence.confidence == 0.5).all()


@pytest.mark.parametrize(
    ("package", "head", "read"),
    [
        ("scipy.io", b"MATLAB 5.0 MAT-file, Platform: GLNXA64", read_annot),
        ("h5py", b"MATLAB 7.3 MAT-file".ljust(512) + b"\x89HDF\r\n\x1a\n", read_annot_data),
    ],
)
def test_without_the_extra_the_message_says_what_to_install(
    tmp_path, monkeypatch, package, head, read
):
    monkeypatch.setitem(sys.modules, package, None)  # as if it were not installed
    path = tmp_path / "annot.mat"
    path.write_bytes(head)
    words = rf"needs the package {package.split('.')[0]},.*poselift\[datasets\]"
    with pytest.raises(DatasetInvalid, match=words):
        read(path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"pose3d": np.zeros((6, 17, 3))}, "17 joints"),
        ({"pose2d": np.zeros((5, 28, 2))}, "5 frames of 28 in 2D"),
        ({"pose2d": np.zeros((6, 56))}, "where .N, 28, 2 or 3."),
        ({"pose3d": np.zeros((0, 28, 3)), "pose2d": np.zeros((0, 28, 2))}, "0 frames"),
        ({"pose3d": np.array([{}])}, "Cannot read"),
    ],
)
def test_a_combined_file_of_other_shape_is_refused(tmp_path, changes, words):
    with pytest.raises(DatasetInvalid, match=words):
        read_combined(write_combined(tmp_path / "mpi_inf_combined.npz", **changes))


def test_a_nan_in_the_combined_file_is_named(tmp_path):
    joints = np.ones((6, 28, 3))
    joints[2, 3, 1] = joints[5, 3, 1] = np.nan
    with pytest.raises(DatasetInvalid, match=r"'combined'.*frame 2 and in 1 others"):
        read_combined(write_combined(tmp_path / "combined.npz", pose3d=joints))


def test_a_file_that_is_no_npz_is_refused(tmp_path):
    path = tmp_path / "x.npz"
    path.write_bytes(b"no")
    for read in (read_combined, read_h36m, read_motion):
        with pytest.raises(DatasetInvalid, match=r"x\.npz"):
            read(path)
        with pytest.raises(DatasetInvalid, match="Cannot read"):
            read(tmp_path / "missing.npz")
    np.savez(path, other=np.zeros(3))
    with pytest.raises(DatasetInvalid, match="no field pose2d, pose3d"):
        read_combined(path)
    with pytest.raises(DatasetInvalid, match="no field 'positions_3d'"):
        read_h36m(path)


def test_h36m_is_read_cut_to_17_joints_and_turned_to_each_camera(tmp_path):
    paths = write_videopose3d(tmp_path, "h36m", ["S1", "S9"])
    sequences = read_h36m(*paths, subjects=("S9", "S11"))
    assert [each.name for each in sequences] == [
        "S9 Walking 1 camera 0",
        "S9 Walking 1 camera 1",
    ]
    world = in_world_m(H36M_NAMES, 30)
    for sequence, rotation in zip(sequences, ROTATIONS, strict=True):
        assert (sequence.subject, sequence.action, sequence.axes) == ("S9", "Walking", "camera")
        assert (sequence.fps, len(sequence)) == (50.0, 30)
        np.testing.assert_allclose(sequence.joints_m, world @ rotation.T, atol=1e-3)
        knee, hip = sequence.joints_m[0, 5], sequence.joints_m[0, 4]
        assert knee[1] > hip[1]  # y is down


def test_h36m_without_2d_stays_in_the_world(tmp_path):
    path, _ = write_videopose3d(tmp_path, "h36m", ["S9"])
    (sequence,) = read_h36m(path)
    assert (sequence.axes, sequence.camera, sequence.keypoints_px) == ("world", None, None)
    np.testing.assert_array_equal(sequence.joints_m, in_world_m(H36M_NAMES, 30))


def test_humaneva_subjects_keep_their_split(tmp_path):
    paths = write_videopose3d(tmp_path, "humaneva15", ["Train/S1", "Validate/S1"])
    sequences = read_humaneva15(*paths, subjects=("Validate/S1",))
    assert {each.subject for each in sequences} == {"Validate/S1"}
    assert sequences[0].layout is HUMANEVA15
    with pytest.raises(DatasetInvalid, match="has subjects Train/S1, Validate/S1"):
        read_humaneva15(*paths, subjects=("S7",))


def test_a_nan_in_h36m_is_named_by_clip_and_frame(tmp_path):
    path, _ = write_videopose3d(tmp_path, "h36m", ["S9"], nan_at=(11, 2))
    with pytest.raises(DatasetInvalid, match=r"'S9 Walking 1'.*frame 11"):
        read_h36m(path)


@pytest.mark.parametrize("table", [{"S9": {"Walking": np.zeros((4, 5))}}, {"S9": 3}, {"S9": {}}])
def test_tables_of_another_kind_are_refused(tmp_path, table):
    paths = write_videopose3d(tmp_path, "h36m", ["S9"], positions_3d=table)
    with pytest.raises(DatasetInvalid):
        read_h36m(*paths)


def test_2d_that_is_too_short_is_refused(tmp_path):
    path, _ = write_videopose3d(tmp_path, "h36m", ["S9"])
    short = {"S9": {"Walking 1": [np.zeros((3, 17, 2))]}}
    np.savez(tmp_path / "short.npz", positions_2d=short)
    with pytest.raises(DatasetInvalid, match="at least 30 frames of 17 joints"):
        read_h36m(path, tmp_path / "short.npz")


class Bomb:
    def __reduce__(self):
        return (print, ("boom",))


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_pickle_that_calls_anything_is_refused_and_nothing_runs(tmp_path, capsys, protocol):
    trap = np.array({"S9": Bomb()}, object)
    header = write_pickled(tmp_path / "trap.npz", trap, protocol)
    with pytest.raises(DatasetInvalid, match=r"builtins.print|__builtin__.print"):
        read_object(header, "positions_3d")
    assert "boom" not in capsys.readouterr().out


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("old_names", [False, True])
def test_arrays_of_every_pickle_protocol_and_numpy_come_through(tmp_path, protocol, old_names):
    table = {"S9": {"Walking": np.arange(6.0).reshape(1, 2, 3), "scale": np.float32(2)}}
    path = write_pickled(tmp_path / "a.npz", np.array(table, object), protocol, old_names)
    found = read_object(path, "positions_3d")
    np.testing.assert_array_equal(found["S9"]["Walking"], table["S9"]["Walking"])
    assert found["S9"]["scale"] == 2


def write_pickled(path, array, protocol, old_names=False):
    """As ``np.savez`` writes it, with a pickle of any protocol, as any version of numpy."""
    import io
    import zipfile

    raw = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        raw, {"descr": "|O", "fortran_order": False, "shape": array.shape}
    )
    pickled = pickle.dumps(array, protocol=protocol)
    if old_names and protocol < 4:  # from 4 on, names carry their length
        pickled = pickled.replace(b"numpy._core", b"numpy.core")
    raw.write(pickled)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("positions_3d.npy", raw.getvalue())
    return path


def scene(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(200, 3))


def seen_by(rotation, points):
    lens = np.array([[1145.0, 0, 512], [0, 1143, 515], [0, 0, 1]])
    rays = (points @ rotation.T + [0.3, -0.2, 6]) @ lens.T
    return rays[:, :2] / rays[:, 2:]


@pytest.mark.parametrize("yaw", [0.0, 1.0, 2.0, 3.0, 4.5])
def test_a_camera_is_found_from_exact_and_from_noisy_points(yaw):
    rotation, points = turned(yaw, 0.15), scene()
    pixels, size_px = seen_by(rotation, points), (1000, 1000)
    assert angle_between(camera_rotation(points, pixels, size_px, "a"), rotation) < 0.3
    pixels[::7] = np.nan
    pixels += np.random.default_rng(1).normal(0, 1, pixels.shape)
    found = camera_rotation(points, pixels, size_px, "a")
    assert angle_between(found, rotation) < 1.0
    np.testing.assert_allclose(found @ found.T, np.eye(3), atol=1e-9)


def angle_between(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.degrees(np.arccos(np.clip((np.trace(a @ b.T) - 1) / 2, -1, 1))))


def test_points_that_no_camera_explains_are_refused():
    points, size_px = scene(), (1000, 1000)
    seen = seen_by(turned(1, 0), points)
    with pytest.raises(DatasetInvalid, match="does not belong"):
        camera_rotation(points, scene(1)[:, :2] * 100, size_px, "a")
    with pytest.raises(DatasetInvalid, match="too few"):
        camera_rotation(points[:5], seen[:5], size_px, "a")


def test_our_motion_file_as_sequences(tmp_path):
    desc = np.array(["walk", "run", "walk"])
    sequences = read_motion(write_motion(tmp_path / "motion.npz", desc=desc))
    assert [(each.name, each.subject, each.action) for each in sequences] == [
        ("02_01", "02", "walk"),
        ("05_01", "05", "run"),
        ("01_01", "01", "walk"),
    ]
    np.testing.assert_allclose(sequences[1].joints_m, walking(90, 1), atol=2e-4)
    assert sequences[0].fps == 60
    assert read_motion(write_motion(tmp_path / "bare.npz"))[0].action == "all"
