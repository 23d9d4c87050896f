"""Known faults in made-up poses are found; the same poses without them are not blamed."""

from collections.abc import Iterator

import numpy as np
import pytest

from core.chunks import PoseChunk, TrackChunk
from core.quality.assessment import assess
from core.quality.watch import Measured, QualityWatch
from core.runs import cut_poses
from core.skeleton import BODY, KEYPOINT_NAMES
from core.tracking.tracks import TrackReport
from core.video.facts import DecodeReport

WIDTH_PX, HEIGHT_PX = 640, 480
FEET = [KEYPOINT_NAMES.index(f"{side}_{part}") for side in ("left", "right")
        for part in ("ankle", "heel", "foot_index")]  # fmt: skip


def person(frames: int = 90, fps: float = 30.0) -> PoseChunk:
    """Somebody who stands and sways: knees, arms and trunk move by 2 cm at 1 Hz, feet do not."""
    rng = np.random.default_rng(1)
    time_s = np.arange(frames) / fps
    sway = np.sin(2 * np.pi * time_s)[:, None, None]
    joints_m = np.tile(rng.uniform(-0.8, 0.8, (1, 28, 3)), (frames, 1, 1)) + 0.02 * sway
    keypoints_px = np.tile(rng.uniform(100, 380, (1, 33, 2)), (frames, 1, 1)) + 3 * sway
    keypoints_px[:, FEET] = rng.uniform(400, 440, (1, len(FEET), 2))
    track = TrackChunk(
        frame_index=np.arange(frames),
        frame_time_s=time_s,
        keypoints_px=keypoints_px[None].astype(np.float32),
        confidence=np.full((1, frames, 33), 0.9, np.float32),
        observed=np.ones((1, frames), bool),
    )
    return PoseChunk(
        track, joints_m[None].astype(np.float32), np.full((1, frames, 28), 0.03, np.float32)
    )


def pieces(poses: PoseChunk, size: int) -> Iterator[PoseChunk]:
    for start in range(0, len(poses), size):
        yield cut_poses(poses, start, min(start + size, len(poses)))


def measure(poses: PoseChunk, size: int = 64) -> Measured:
    watch = QualityWatch()
    for chunk in watch.unsmoothed(pieces(poses, size), WIDTH_PX, HEIGHT_PX):
        watch.written(chunk)
    return watch.measured()


def notes(poses: PoseChunk) -> tuple[str, ...]:
    frames = len(poses)
    tracking = TrackReport(frames=frames, observed_frames=[frames], low_confidence_frames=[0],
                           interpolated_frames=[0], most_people=1)  # fmt: skip
    return assess(tracking, DecodeReport(), measure(poses)).notes


def test_nothing_is_found_where_nothing_is_wrong() -> None:
    assert notes(person()) == ()
    found = measure(person())
    assert found.fps == pytest.approx(30)
    assert found.step_variation == pytest.approx(0, abs=1e-6)
    assert found.shaking_share == 0
    assert found.foot_slide_m == pytest.approx(0, abs=1e-6)


def test_joints_that_shake() -> None:
    poses = person()
    noise_m = np.random.default_rng(2).normal(0, 0.02, poses.joints_m.shape)
    poses.joints_m[:] += noise_m.astype(np.float32)
    assert "jitter" in notes(poses)


def test_one_frame_that_is_off_is_no_jitter() -> None:
    poses = person()
    poses.joints_m[:, 40] += 0.3
    assert "jitter" not in notes(poses)


def test_shaking_cannot_be_told_of_few_frames_a_second() -> None:
    poses = person(fps=10)
    poses.joints_m[:] += np.random.default_rng(2).normal(0, 0.05, poses.joints_m.shape)
    assert measure(poses).shaking_share is None


def test_feet_that_slide_while_they_stand_in_the_picture() -> None:
    poses = person()
    left = BODY.index("left_ankle")
    poses.joints_m[:, :, left, 2] += np.linspace(0, 0.5, len(poses), dtype=np.float32)
    assert "foot_slide" in notes(poses)
    assert measure(poses).foot_slide_m == pytest.approx(0.5 / np.sqrt(12), rel=0.05)


def test_feet_that_walk_do_not_slide() -> None:
    poses = person()
    walk_px = 4 * np.arange(len(poses), dtype=np.float32)[:, None]
    poses.track.keypoints_px[0, :, FEET, 0] += walk_px.T
    poses.joints_m[:, :, BODY.index("left_ankle"), 2] += np.sin(np.arange(len(poses)))
    assert measure(poses).foot_slide_m is None


@pytest.mark.parametrize("fault", ["below the picture", "not known", "not there"])
def test_feet_that_are_not_in_the_picture(fault: str) -> None:
    poses = person()
    if fault == "below the picture":
        poses.track.keypoints_px[:, 20:, FEET, 1] = HEIGHT_PX + 5
    elif fault == "not known":
        poses.track.confidence[:, 20:, FEET] = 0.1
    else:
        poses.track.keypoints_px[:, 20:, FEET] = np.nan
        poses.track.confidence[:, 20:, FEET] = 0
    assert "feet_cut_off" in notes(poses)
    assert measure(poses).feet_cut_off_share == pytest.approx(70 / 90)


def test_one_foot_is_enough() -> None:
    poses = person()
    poses.track.confidence[:, :, FEET[:3]] = 0.1
    assert "feet_cut_off" not in notes(poses)


def test_small_people_in_small_pictures_at_a_low_rate() -> None:
    poses = person(fps=5)
    poses.track.keypoints_px[:] = 100 + (poses.track.keypoints_px - 100) / 8
    assert set(notes(poses)) == {"low_frame_rate", "person_small"}
    watch = QualityWatch()
    list(watch.unsmoothed([], 120, 600))
    assert watch.measured().shorter_side_px == 120
    noted = assess(TrackReport(), DecodeReport(), watch.measured()).notes
    assert "low_resolution" in noted


def test_uneven_times() -> None:
    poses = person()
    poses.track.frame_time_s[:] += np.where(np.arange(len(poses)) % 3 == 0, 0.012, 0)
    assert "variable_frame_rate" in notes(poses)


def test_times_rounded_to_milliseconds_are_even() -> None:
    poses = person()
    poses.track.frame_time_s[:] = poses.track.frame_time_s.round(3)
    assert notes(poses) == ()


@pytest.mark.parametrize("size", [1, 2, 7, 64])
def test_how_poses_are_cut_into_chunks_changes_nothing(size: int) -> None:
    poses = person()
    rng = np.random.default_rng(3)
    poses.joints_m[:] += rng.normal(0, 0.0086, poses.joints_m.shape).astype(np.float32)
    poses.joints_m[:, 30:34] = np.nan
    poses.track.keypoints_px[:, 30:34] = np.nan
    poses.track.observed[:, 30:34] = False
    whole, cut = measure(poses, size=90), measure(poses, size=size)
    assert vars(cut) == {
        name: pytest.approx(value, abs=1e-6) for name, value in vars(whole).items()
    }
    assert 0 < (whole.shaking_share or 0) < 1


def test_memory_does_not_grow() -> None:
    import pickle

    def held(frames: int) -> int:
        watch = QualityWatch()
        for chunk in watch.unsmoothed(pieces(person(frames), 64), WIDTH_PX, HEIGHT_PX):
            watch.written(chunk)
        state = {name: value for name, value in vars(watch).items() if name != "camera"}
        return len(pickle.dumps(state))

    assert abs(held(2048) - held(256)) < 100


def test_low_confidence_and_nobody() -> None:
    unsure = TrackReport(frames=100, observed_frames=[100], interpolated_frames=[0],
                         low_confidence_frames=[30], most_people=1)  # fmt: skip
    assert assess(unsure, DecodeReport()).notes == ("low_confidence",)
    assert assess(TrackReport(), DecodeReport()).notes == ("no_person",)
