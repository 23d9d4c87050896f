import numpy as np
import pytest

from benchmarks.detector_noise_runs import Run, fingerprint, run
from benchmarks.detector_noise_views import show, undo
from core.errors import VideoError
from core.keypoints.protocol import Detection
from core.skeleton import KEYPOINT_MIRROR
from tests.benchmarks.detector_runs import perfect_run
from tests.videos import make_video

VIEWS = ("as_is", "mirrored", "smaller", "shifted")
BLOCKS = {3: (40, 30), 6: (130, 60), 11: (60, 90)}
"""Which keypoint is a bright block where; the others are at the first one."""


def picture() -> np.ndarray:
    rgb = np.zeros((120, 200, 3), np.uint8)
    for channel, (x, y) in enumerate(BLOCKS.values()):
        rgb[y - 5 : y + 5, x - 5 : x + 5, channel] = 255
    return rgb


def find_blocks(rgb: np.ndarray) -> Detection:
    """Where the brightness of each colour is centred."""
    keypoints = np.zeros((33, 2), np.float32)
    for channel, row in enumerate(BLOCKS):
        weight = np.where(rgb[..., channel] > 100, rgb[..., channel].astype(float), 0)
        rows, columns = np.mgrid[: rgb.shape[0], : rgb.shape[1]] + 0.5
        keypoints[row] = (
            (weight * columns).sum() / weight.sum(),
            (weight * rows).sum() / weight.sum(),
        )
    hint = np.arange(99, dtype=np.float32).reshape(33, 3)
    return Detection(keypoints, np.linspace(0, 1, 33, dtype=np.float32), hint)


@pytest.mark.parametrize("view", VIEWS)
def test_what_is_found_in_a_changed_picture_lies_where_it_was(view):
    rgb = picture()
    found = undo(find_blocks(show(rgb, view)), view, np.array([200.0, 120.0]))
    for row, place in BLOCKS.items():
        # A mirrored person's left is their right.
        here = KEYPOINT_MIRROR[row] if view == "mirrored" else row
        np.testing.assert_allclose(found.keypoints_px[here], place, atol=0.8)


def test_a_mirrored_hint_is_mirrored_back_and_its_sides_exchanged():
    person = find_blocks(picture())
    back = undo(person, "mirrored", np.array([200.0, 120.0]))
    np.testing.assert_array_equal(back.hint_m, (person.hint_m * [-1, 1, 1])[KEYPOINT_MIRROR])
    np.testing.assert_array_equal(back.confidence, person.confidence[KEYPOINT_MIRROR])
    again = undo(back, "mirrored", np.array([200.0, 120.0]))
    np.testing.assert_allclose(again.keypoints_px, person.keypoints_px, atol=1e-4)


def test_a_run_begun_later_knows_nothing_of_the_first_frame(tmp_path):
    video = make_video(tmp_path / "a.mp4", frames=4)
    whole, later = (
        run(video, view, lambda _: [_somewhere(20)], None) for view in ("as_is", "later")
    )
    assert np.isfinite(whole.keypoints_px).all()
    assert np.isnan(later.keypoints_px[0]).all()
    assert np.isfinite(later.keypoints_px[1:]).all()
    np.testing.assert_array_equal(whole.time_s, later.time_s)


def test_of_several_people_the_one_near_the_reference_is_taken_and_nobody_far_from_it(tmp_path):
    video = make_video(tmp_path / "a.mp4", frames=3)
    here, there, beyond = (_somewhere(x) for x in (20, 60, 400))
    reference = run(video, "as_is", lambda _: [here], None)
    found = run(video, "as_is", lambda _: [there, here], reference)
    np.testing.assert_array_equal(found.keypoints_px, reference.keypoints_px)
    assert np.isnan(run(video, "as_is", lambda _: [beyond], reference).keypoints_px).all()


def _somewhere(x: float) -> Detection:
    keypoints = np.stack([np.full(33, x), np.linspace(5, 45, 33)], 1).astype(np.float32)
    return Detection(keypoints, np.ones(33, np.float32), np.zeros((33, 3), np.float32))


def test_a_saved_run_comes_back_the_same(tmp_path):
    before = perfect_run(7)
    before.save(tmp_path / "deep" / "run.npz")
    after = Run.load(tmp_path / "deep" / "run.npz")
    np.testing.assert_array_equal(after.hint_m, before.hint_m)
    np.testing.assert_array_equal(after.keypoints_px, before.keypoints_px)


def test_a_fingerprint_follows_the_content_not_the_name(tmp_path):
    first, second, third = (tmp_path / name for name in "abc")
    first.write_bytes(b"one")
    second.write_bytes(b"one")
    third.write_bytes(b"other")
    assert fingerprint(first) == fingerprint(second) != fingerprint(third)


def test_what_is_no_video_is_said_to_be_none(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"no video at all")
    with pytest.raises(VideoError):
        run(tmp_path / "a.mp4", "as_is", lambda _: [], None)
