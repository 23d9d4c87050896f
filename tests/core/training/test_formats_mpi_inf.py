import numpy as np
import pytest

from core.errors import DatasetInvalid
from core.skeleton import BODY
from core.training.formats.mpi_inf import read_annot, read_annot_data
from tests.core.training.format_files import (
    TEST17,
    in_camera_m,
    write_annot,
    write_annot_data,
)

scipy_io = pytest.importorskip("scipy.io", reason="the extra 'datasets' is not installed")
h5py = pytest.importorskip("h5py", reason="the extra 'datasets' is not installed")


def test_annot_mat_gives_a_sequence_per_camera_in_metres(tmp_path):
    path = write_annot(tmp_path / "S3" / "Seq2", scipy_io.savemat)
    sequences = read_annot(path, fps=50)
    assert [sequence.name for sequence in sequences] == ["S3/Seq2 camera 0", "S3/Seq2 camera 1"]
    assert (sequences[1].subject, sequences[1].action, sequences[1].fps) == ("S3", "Seq2", 50)
    expected = in_camera_m(6) + np.float32([0, 0, 1])
    np.testing.assert_allclose(sequences[1].joints_m, expected, atol=1e-5)
    # One pelvis by hand: (0, 0.05, 5) m at 1500 px and the middle of 2048 px.
    pelvis = sequences[1].keypoints_px[0, 4]
    assert pelvis == pytest.approx([1024, 1024 + 1500 * 0.05 / 5], abs=1e-3)


def test_the_two_truths_differ(tmp_path):
    path = write_annot(tmp_path / "S1" / "Seq1", scipy_io.savemat)
    metric, universal = read_annot(path), read_annot(path, "univ_annot3")
    np.testing.assert_allclose(universal[0].joints_m, 0.9 * metric[0].joints_m, rtol=1e-5)


def test_a_nan_in_annot_mat_is_named(tmp_path):
    path = write_annot(tmp_path / "S1" / "Seq1", scipy_io.savemat, nan_at=(1, 4))
    with pytest.raises(DatasetInvalid, match=r"'S1/Seq1 camera 1'.*frame 4"):
        read_annot(path)


def test_annot_data_is_cut_where_frames_are_invalid_or_the_activity_changes(tmp_path):
    valid, activity = [1, 1, 0, 1, 1, 1], [2, 2, 2, 2, 5, 5]
    sequences = read_annot_data(write_annot_data(tmp_path / "TS5", h5py, valid, activity))
    assert [(each.name, each.action) for each in sequences] == [
        ("TS5 frames 0-1", "exercise"),
        ("TS5 frames 3-3", "exercise"),
        ("TS5 frames 4-5", "on_the_floor"),
    ]
    assert (sequences[0].width_px, sequences[0].height_px) == (1920, 1080)
    last = sequences[-1]
    assert last.layout.body == {name: TEST17.index(name) for name in TEST17}
    np.testing.assert_allclose(
        last.joints_m[:, TEST17.index("left_knee")],
        in_camera_m(6)[4:, BODY.index("left_knee")],
        atol=1e-5,
    )


@pytest.mark.parametrize("kind", ["annot.mat", "annot_data.mat"])
def test_damaged_and_missing_mat_files_are_refused(tmp_path, kind):
    read = read_annot if kind == "annot.mat" else read_annot_data
    folder = tmp_path / "S1" / "Seq1"
    if kind == "annot.mat":
        path = write_annot(folder, scipy_io.savemat)
    else:
        path = write_annot_data(folder, h5py, [1] * 6, [1] * 6)
    path.write_bytes(path.read_bytes()[:700])
    with pytest.raises(DatasetInvalid, match=kind):
        read(path)
    with pytest.raises(DatasetInvalid, match="Cannot read"):
        read(tmp_path / "S1" / "Seq9" / kind)


def test_other_mat_files_are_refused_in_words(tmp_path):
    scipy_io.savemat(tmp_path / "x.mat", {"annot2": np.zeros(3)})
    with pytest.raises(DatasetInvalid, match="no cell 'annot2'"):
        read_annot(tmp_path / "x.mat")
    with pytest.raises(DatasetInvalid, match="no variable annot3, valid_frame"):
        read_annot_data(tmp_path / "x.mat")
