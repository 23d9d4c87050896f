from dataclasses import replace

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import savemat

from core.errors import ConfigInvalid, DatasetInvalid
from core.training.formats.joint_layouts import MPI_INF28
from core.training.formats.sequence import PoseSequence
from core.training.recordings import (
    read_recordings,
    remarks,
    split_by_share,
    split_by_subject,
)
from tests.core.training.format_files import (
    in_camera_m,
    write_annot,
    write_annot_data,
    write_combined,
)


def sequence(frames, name="clip", subject="S1"):
    joints = np.zeros((frames, 28, 3), np.float32)
    joints[:, 0, 0] = np.arange(frames)  # tells frames apart
    pixels = np.zeros((frames, 28, 2), np.float32)
    return PoseSequence(name, subject, "all", "0", None, MPI_INF28, joints, "camera", pixels)


def test_every_format_of_pairs_is_found_by_its_name(tmp_path):
    combined = write_combined(tmp_path / "mpi_inf_combined.npz")
    assert [each.name for each in read_recordings(combined)] == ["mpi_inf_combined"]
    one = write_annot(tmp_path / "train" / "S1" / "Seq1", savemat)
    write_annot(tmp_path / "train" / "S2" / "Seq1", savemat)
    assert {each.subject for each in read_recordings(one)} == {"S1"}
    assert [each.subject for each in read_recordings(tmp_path / "train")] == [
        "S1",
        "S1",
        "S2",
        "S2",
    ]
    write_annot_data(tmp_path / "test" / "TS1", h5py, [1, 1, 1], [1, 1, 1])
    assert [each.subject for each in read_recordings(tmp_path / "test")] == ["TS1"]


def test_a_folder_without_pairs_is_named(tmp_path):
    with pytest.raises(DatasetInvalid, match=r"no annot\.mat in"):
        read_recordings(tmp_path)


def test_numbers_that_are_none_are_named_by_clip_and_frame(tmp_path):
    joints = 1000 * in_camera_m(6)
    joints[4, 3] = np.inf
    path = write_combined(tmp_path / "combined.npz", pose3d=joints)
    with pytest.raises(DatasetInvalid, match="'combined' has a number that is none in frame 4"):
        read_recordings(path)
    write_annot(tmp_path / "S1" / "Seq1", savemat, nan_at=(1, 2))
    with pytest.raises(DatasetInvalid, match="'S1/Seq1 camera 1' has a number that is none in fr"):
        read_recordings(tmp_path / "S1")
    path = write_annot_data(tmp_path / "TS1", h5py, [1, 1, 1], [2, 2, 2])
    with h5py.File(path, "a") as file:
        file["annot3"][1, 0, 3] = np.nan
    with pytest.raises(DatasetInvalid, match=r"'TS1 frames 0-2' has .* in frame 1"):
        read_recordings(path)


def test_people_are_on_one_side(tmp_path):
    everybody = [sequence(5, f"clip {subject}", subject) for subject in ("S1", "S2", "S3", "S1")]
    learn, unseen = split_by_subject(everybody, ("S1", "S9"))
    assert [each.subject for each in learn] == ["S2", "S3"]
    assert [each.subject for each in unseen] == ["S1", "S1"]
    for held_out in (("S9",), ("S1", "S2", "S3")):
        with pytest.raises(ConfigInvalid, match=r"S1, S2, S3.*'held_out_share'"):
            split_by_subject(everybody, held_out)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.integers(1, 3000), min_size=1, max_size=4),
    st.floats(0.02, 0.5),
    st.integers(0, 5),
)
def test_a_share_takes_every_frame_to_one_side(lengths, share, seed):
    sequences = [sequence(length, str(place)) for place, length in enumerate(lengths)]
    if sum(lengths) < 2:
        with pytest.raises(DatasetInvalid, match="too few"):
            split_by_share(sequences, share, seed)
        return
    learn, unseen = split_by_share(sequences, share, seed)
    shown = sorted(
        (run.name.split(" ")[0], int(frame))
        for run in (*learn, *unseen)
        for frame in run.joints_m[:, 0, 0]
    )
    assert shown == sorted(
        (str(i), frame) for i, length in enumerate(lengths) for frame in range(length)
    )
    assert learn
    assert unseen
    again = split_by_share(sequences, share, seed)
    assert [run.name for run in again[1]] == [run.name for run in unseen]


def test_of_many_frames_a_tenth_is_held_out_in_runs_of_neighbours():
    learn, unseen = split_by_share([sequence(20_000)], 0.1, seed=0)
    assert sum(map(len, unseen)) == 2000
    assert [len(run) for run in unseen] == [500] * 4
    run = unseen[0]
    assert run.name == f"clip frames {int(run.joints_m[0, 0, 0])}-{int(run.joints_m[-1, 0, 0])}"
    other = split_by_share([sequence(20_000)], 0.1, seed=1)[1]
    assert [run.name for run in other] != [run.name for run in unseen]
    assert sum(map(len, learn)) == 18_000


def test_what_is_always_unknown_and_what_is_sometimes_is_said():
    plain = sequence(6)
    pixels = plain.keypoints_px.copy()
    pixels[2:4, 9] = np.nan
    (lacking,) = remarks([plain])
    assert "14 of the 33 keypoints; always unknown: nose, left_eye_inner" in lacking
    assert "left_heel, right_heel." in lacking
    assert "left_foot_index" not in lacking
    words = remarks([plain, replace(plain, name="torn", keypoints_px=pixels)])
    assert words[1] == (
        "Clip 'torn' has 2D keypoints that are not numbers in 2 frames, first in frame 2: "
        "they count as not seen."
    )
