from dataclasses import replace

import numpy as np
import pytest
import torch

from core.cameras import ASSUMED_FOCAL
from core.errors import ConfigInvalid, DatasetInvalid
from core.skeleton import BODY, KEYPOINT_NAMES
from core.training.dice import Dice
from core.training.formats.joint_layouts import MPI_INF28
from core.training.formats.mpi_inf import read_combined
from core.training.formats.videopose3d import read_h36m
from core.training.pairs import PairLibrary, PairSource
from core.training.sampler import Difficulty
from core.training.sources import WindowMix
from tests.core.training.format_files import (
    in_camera_m,
    project,
    write_combined,
    write_videopose3d,
)

PLAIN = Difficulty(bodies=False, noise=0.0, definitions=False, hiding=False, hint=0.0)
SINGLE = {1: 1.0}


@pytest.fixture
def combined(tmp_path):
    return read_combined(write_combined(tmp_path / "combined.npz", frames=10, columns=3))


def source_of(*sequences, difficulty=PLAIN, shares=SINGLE, frames_per_step=4, seed=0):
    library = PairLibrary.of(sequences)
    return PairSource(library, difficulty, WindowMix(shares, frames_per_step), seed)


def rows_of(batch, joints_m):
    """Which of the dataset's frames each window shows."""
    relative = torch.from_numpy(joints_m - joints_m[:, BODY.root, None])
    apart = (batch.joints_m[:, 0, None] - relative).abs().amax((-1, -2))
    assert apart.amin(1).max() < 1e-5
    return apart.argmin(1).tolist()


def test_a_batch_is_the_file_in_the_lifters_terms(combined):
    batch = source_of(combined, frames_per_step=10).draw(Dice(0), 0)
    frames = rows_of(batch, in_camera_m(10))
    pixels = project(in_camera_m(10), 2048, 1500)
    for name in ("left_wrist", "right_knee"):
        seen = (pixels[frames, BODY.index(name)] - 1024) / (ASSUMED_FOCAL * 2048)
        got = batch.rays[:, 0, KEYPOINT_NAMES.index(name)]
        np.testing.assert_allclose(got, seen, atol=1e-6)
    toe = (pixels[frames, BODY.index("left_toe")] - 1024) / (ASSUMED_FOCAL * 2048)
    got = batch.rays[:, 0, KEYPOINT_NAMES.index("left_foot_index")]
    np.testing.assert_allclose(got, toe, atol=1e-6)
    assert batch.hint_m is None


def test_what_the_file_lacks_is_unknown_and_nothing_else_is(combined):
    batch = source_of(combined).draw(Dice(0), 0)
    known = [name for name in KEYPOINT_NAMES if name in MPI_INF28.keypoints]
    assert len(known) == 14
    for spot, name in enumerate(KEYPOINT_NAMES):
        values, sure = batch.rays[:, :, spot], batch.confidence[:, :, spot]
        assert torch.isfinite(values).all() == (name in known), name
        assert (sure == (0.5 if name in known else 0.0)).all(), name
    assert batch.present.all()


def test_an_epoch_shows_every_frame_once_in_an_order_of_its_own(combined):
    source = source_of(combined)
    assert source.steps_per_epoch == 3
    epochs = [
        [
            row
            for step in range(first, first + 3)
            for row in rows_of(source.draw(Dice(step), step), in_camera_m(10))
        ]
        for first in (0, 3)
    ]
    assert sorted(epochs[0]) == sorted(epochs[1]) == list(range(10))
    assert epochs[0] != epochs[1]
    again = source_of(combined, seed=1).draw(Dice(0), 0)
    assert rows_of(again, in_camera_m(10)) != epochs[0][:4]


def test_keypoints_that_are_no_numbers_count_as_not_seen(combined):
    pixels = combined.keypoints_px.copy()
    pixels[3, BODY.index("left_knee"), 0] = np.nan
    pixels[4] = np.nan
    batch = source_of(replace(combined, keypoints_px=pixels), frames_per_step=10).draw(Dice(0), 0)
    frames = rows_of(batch, in_camera_m(10))
    knee = KEYPOINT_NAMES.index("left_knee")
    assert batch.confidence[frames.index(3), 0, knee] == 0
    assert torch.isnan(batch.rays[frames.index(3), 0, knee]).all()
    assert batch.present[:, 0].tolist() == [frame != 4 for frame in frames]


def test_windows_follow_their_sequence_and_never_cross_into_the_next(combined):
    moving = [
        replace(combined, name=name, fps=25.0, joints_m=combined.joints_m[part], confidence=None,
                keypoints_px=combined.keypoints_px[part])
        for name, part in (("one", slice(0, 6)), ("two", slice(6, 8)))
    ]  # fmt: skip
    source = source_of(*moving, shares={4: 1.0}, frames_per_step=8)
    relative = torch.from_numpy(in_camera_m(8) - in_camera_m(8)[:, BODY.root, None])
    batch = source.draw(Dice(0), 0)
    assert batch.joints_m.shape == (2, 4, 28, 3)
    torch.testing.assert_close(batch.time_s, torch.tensor([[0.0, 0.04, 0.08, 0.12]] * 2))
    windows = [source.windows_around(torch.tensor([frame]), 4) for frame in range(8)]
    starts = [rows_of(window, in_camera_m(8))[0] for window in windows]
    assert starts == [0, 1, 2, 2, 2, 2, 6, 6]
    torch.testing.assert_close(windows[4].joints_m[0], relative[2:6])
    # The second sequence has two frames only: what follows is absent.
    assert windows[7].present.tolist() == [[True, True, False, False]]
    assert torch.isfinite(windows[7].joints_m).all()


def test_longer_windows_are_refused_where_frames_stand_alone(combined):
    with pytest.raises(ConfigInvalid, match="window_frames"):
        source_of(combined, shares={1: 0.5, 9: 0.5}, frames_per_step=9)


def test_half_of_the_windows_may_be_mirrored(combined):
    plain = source_of(combined, frames_per_step=10).draw(Dice(0), 0)
    mixed = source_of(combined, frames_per_step=10, difficulty=replace(PLAIN, bodies=True)).draw(
        Dice(0), 0
    )
    flipped = (mixed.joints_m != plain.joints_m).flatten(1).any(1)
    assert 0 < flipped.sum() < 10
    left, right = BODY.index("left_wrist"), BODY.index("right_wrist")
    torch.testing.assert_close(
        mixed.joints_m[flipped][:, :, left, 0], -plain.joints_m[flipped][:, :, right, 0]
    )
    left, right = KEYPOINT_NAMES.index("left_wrist"), KEYPOINT_NAMES.index("right_wrist")
    torch.testing.assert_close(
        mixed.rays[flipped][:, :, left], plain.rays[flipped][:, :, right] * torch.tensor([-1.0, 1])
    )


def test_hiding_takes_keypoints_away(combined):
    many = source_of(combined, frames_per_step=10, difficulty=replace(PLAIN, hiding=True))
    batches = [many.draw(Dice(step), step) for step in range(20)]
    known = torch.cat([(batch.confidence > 0).sum(-1).flatten() for batch in batches])
    assert known.min() < 14
    for batch in batches:
        assert torch.isnan(batch.rays[batch.confidence == 0]).all()
        assert torch.equal(batch.present, (batch.confidence > 0).any(-1))


def test_data_that_cannot_teach_all_joints_is_refused(tmp_path):
    paths = write_videopose3d(tmp_path, "h36m", ["S1"])
    with pytest.raises(DatasetInvalid, match="joints of h36m17"):
        PairLibrary.of(read_h36m(*paths))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"keypoints_px": None}, "has no 2D"),
        ({"axes": "world"}, "has no 2D"),
        ({"confidence": np.full((10, 28), 1.5, np.float32)}, "between 0 and 1 in frame 0"),
        ({"joints_m": in_camera_m(10) / 1000}, "other units"),
    ],
)
def test_other_data_is_refused_in_words(combined, changes, words):
    with pytest.raises(DatasetInvalid, match=f"'combined'.*{words}"):
        PairLibrary.of([replace(combined, **changes)])


def test_a_confidence_that_is_no_number_is_named_by_frame(combined):
    confidence = combined.confidence.copy()
    confidence[7, BODY.index("left_hip")] = np.nan
    with pytest.raises(DatasetInvalid, match="in frame 7"):
        PairLibrary.of([replace(combined, confidence=confidence)])
