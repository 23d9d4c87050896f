import gc
import tracemalloc
from typing import NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.cameras import Camera, FocalSource, assumed_focal_px, pixels_to_rays
from core.errors import OutOfMemory
from core.lifting.batching import BatchPlanner
from core.lifting.lift import lift_tracks, plan_batches
from core.lifting.windows import WindowPlan
from core.models.config import LifterConfig
from core.models.lifter import Lifter
from core.runs import join_poses
from tests.core.chunk_makers import cut_at, cuts, even_times, make_track

CPU = torch.device("cpu")
WIDTH, HEIGHT = 640, 480
CAMERA = Camera.assumed(WIDTH, HEIGHT)


@pytest.fixture(autouse=True)
def one_thread():
    """Torch's threads spin while they wait for each other: slow on a machine with other work."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class FakePose(NamedTuple):
    joints_m: torch.Tensor
    sigma_m: torch.Tensor


class FakeLifter(torch.nn.Module):
    """Joint k is keypoint k's ray with its time in the window; hidden frames give nonsense.

    ``reach`` adds the mean over the window's visible frames, as attention would.
    """

    def __init__(self, reach: float = 0.0, fits: int = 10_000) -> None:
        super().__init__()
        self.reach, self.fits = reach, fits
        self.batches: list[tuple[int, ...]] = []

    def forward(self, rays, confidence, time_s, hint_m=None):
        self.batches.append(tuple(confidence.shape))
        if len(rays) > self.fits:
            raise torch.OutOfMemoryError("CUDA out of memory")
        assert torch.isfinite(rays).all()
        assert torch.isfinite(confidence).all()
        seen = (confidence > 0).any(-1)[..., None, None]
        joints = torch.cat([rays, time_s[..., None, None].expand(*rays.shape[:3], 1)], -1)[
            :, :, :28
        ]
        mean = (joints * seen).sum(1, keepdim=True) / seen.sum(1, keepdim=True).clamp(min=1)
        joints = torch.where(seen, joints + self.reach * mean, 1e6)
        return FakePose(joints, 0.01 + 0.05 * confidence[:, :, :28])


class PositionOnly(FakeLifter):
    """Time within the window left out, so that every window says the same about a frame."""

    def forward(self, rays, confidence, time_s, hint_m=None):
        return super().forward(rays, confidence, torch.zeros_like(time_s))


def lift(track, lifter=None, *, windows=8, plan=None, latency_frames=240, cut=(), camera=CAMERA):
    lifter = lifter or FakeLifter(reach=0.5)
    chunks = lift_tracks(
        cut_at(track, cut),
        lifter=lifter,
        planner=BatchPlanner(windows),
        camera=camera,
        device=CPU,
        plan=plan or WindowPlan(20, 6),
        latency_frames=latency_frames,
    )
    return join_poses(list(chunks))


def bits(poses) -> list[bytes]:
    return [poses.joints_m.tobytes(), poses.sigma_m.tobytes()]


def test_a_longer_lens_sees_the_same_pixels_closer_together():
    track = make_track(30)
    focal_px = 2 * assumed_focal_px(WIDTH, HEIGHT)
    camera = Camera(WIDTH, HEIGHT, focal_px, FocalSource.TOLD)
    told, assumed = lift(track, PositionOnly(), camera=camera), lift(track, PositionOnly())
    np.testing.assert_allclose(2 * told.joints_m[..., :2], assumed.joints_m[..., :2], rtol=1e-5)


@pytest.mark.parametrize("frames", [1, 2, 19, 20, 21, 34, 35, 200])
def test_any_length_comes_back_frame_by_frame(frames):
    track = make_track(frames, persons=2)
    poses = lift(track, PositionOnly())
    rays = pixels_to_rays(track.keypoints_px, WIDTH, HEIGHT, assumed_focal_px(WIDTH, HEIGHT))
    np.testing.assert_array_equal(poses.joints_m[..., :2], rays[:, :, :28])
    np.testing.assert_allclose(poses.sigma_m, 0.01 + 0.05 * track.confidence[..., :28], rtol=1e-6)
    for name in ("frame_index", "frame_time_s", "keypoints_px", "confidence", "observed"):
        np.testing.assert_array_equal(getattr(poses.track, name), getattr(track, name))


@settings(max_examples=30, deadline=None)
@given(cuts, st.integers(1, 300), st.integers(1, 3))
def test_bits_do_not_depend_on_how_the_frames_arrive(cut, frames, persons):
    absent = np.random.default_rng(frames).random((persons, frames // 10 + 1)) < 0.4
    track = make_track(frames, persons, absent=absent.repeat(10, axis=1)[:, :frames])
    assert bits(lift(track, cut=cut)) == bits(lift(track))


@pytest.mark.parametrize("windows", [1, 2, 5, 64])
def test_bits_of_the_real_lifter_do_not_depend_on_how_the_frames_arrive(windows):
    torch.manual_seed(0)
    config = LifterConfig(joint_channels=8, token_channels=32, temporal_layers=1, heads=2)
    lifter = Lifter(config).eval()
    track = make_track(130, persons=2)
    whole = lift(track, lifter, windows=windows, cut=())
    assert bits(lift(track, lifter, windows=windows, cut=range(0, 130, 7))) == bits(whole)
    one_by_one = lift(track, lifter, windows=1)
    np.testing.assert_allclose(whole.joints_m, one_by_one.joints_m, atol=2e-6)
    np.testing.assert_allclose(whole.sigma_m, one_by_one.sigma_m, atol=2e-6)


def test_nobody_is_invented_where_nobody_was():
    absent = np.zeros((2, 100), np.bool_)
    absent[0, 30:70] = True
    absent[1] = True
    poses = lift(make_track(100, 2, absent=absent))
    np.testing.assert_array_equal(np.isnan(poses.joints_m).all(axis=(-2, -1)), absent)
    np.testing.assert_array_equal(np.isnan(poses.joints_m).any(axis=(-2, -1)), absent)
    np.testing.assert_array_equal(np.isnan(poses.sigma_m).any(axis=-1), absent)


def test_windows_without_anybody_are_not_lifted():
    absent = np.ones((1, 1000), np.bool_)
    absent[0, 500:510] = False
    lifter = FakeLifter()
    lift(make_track(1000, absent=absent), lifter)
    assert sum(batch[0] for batch in lifter.batches) <= 2
    lifter = FakeLifter()
    lift(make_track(50, absent=np.ones((1, 50), np.bool_)), lifter)
    assert lifter.batches == []


def test_one_visit_knows_nothing_of_another():
    """Two visits an absence of over a second apart: as if each were alone in the video."""
    first, second = np.ones((1, 60), np.bool_), np.ones((1, 60), np.bool_)
    first[0, :10], second[0, 45:] = False, False
    together = lift(make_track(60, absent=first & second), plan=WindowPlan(60, 0))
    alone_first = lift(make_track(60, absent=first), plan=WindowPlan(60, 0))
    np.testing.assert_array_equal(together.joints_m[0, :10], alone_first.joints_m[0, :10])
    late_only = make_track(60, absent=first & second)
    late_only.keypoints_px[0, :10], late_only.observed[0, :10] = np.nan, False
    alone_second = lift(late_only, plan=WindowPlan(60, 0))
    np.testing.assert_array_equal(together.joints_m[0, 45:], alone_second.joints_m[0, 45:])


def test_a_short_absence_does_not_split_a_visit():
    absent = np.zeros((1, 60), np.bool_)
    absent[0, 20:30] = True
    lifter = FakeLifter()
    lift(make_track(60, absent=absent), lifter, plan=WindowPlan(60, 0))
    assert [batch[0] for batch in lifter.batches] == [1]


def test_a_time_lapse_is_one_visit():
    lifter = FakeLifter()
    lift(make_track(20, time_s=even_times(20, fps=0.1)), lifter)
    assert [batch[0] for batch in lifter.batches] == [1]


def test_time_keeps_its_precision_far_into_a_video():
    late = lift(make_track(40, time_s=even_times(40, start_s=36_000.0)))
    early = lift(make_track(40))
    np.testing.assert_allclose(late.joints_m, early.joints_m, atol=1e-5)


def test_missing_keypoints_are_hidden():
    track = make_track(30)
    track.keypoints_px[:, :, 5] = np.nan
    track.confidence[:, :, 7] = 0
    poses = lift(track, FakeLifter())
    assert np.isfinite(poses.joints_m).all()
    assert (poses.joints_m[:, :, [5, 7], :2] == 0).all()


def test_batches_are_full_across_windows_and_persons():
    lifter = FakeLifter()
    lift(make_track(20 + 14 * 19, persons=2), lifter, windows=10, latency_frames=10_000)
    assert [batch[0] for batch in lifter.batches] == [10, 10, 10, 10]


def test_poses_flow_while_the_video_still_runs():
    lifted = 0

    def chunks():
        for chunk in cut_at(make_track(600), range(0, 600, 10)):
            if len(chunk):
                assert chunk.frame_index[0] - lifted < 60 + 20 + 10
            yield chunk

    for poses in lift_tracks(
        chunks(),
        lifter=FakeLifter(),
        planner=BatchPlanner(64),
        camera=Camera.assumed(WIDTH, HEIGHT),
        device=CPU,
        plan=WindowPlan(20, 6),
        latency_frames=50,
    ):
        lifted += len(poses)
    assert lifted == 600


def test_what_is_left_when_it_is_alone_goes_to_the_lifter_for_that():
    frames = 300
    track, beside, alone = make_track(frames), FakeLifter(), FakeLifter()
    arrived = []

    def chunks():
        for chunk in cut_at(track, tuple(range(50, frames, 50))):
            yield chunk
            arrived.append(len(chunk))

    poses = lift_tracks(
        chunks(),
        lifter=beside,
        alone=alone,
        is_alone=lambda: sum(arrived) >= 250,
        planner=BatchPlanner(1),
        camera=CAMERA,
        device=CPU,
    )
    assert sum(map(len, poses)) == frames
    windows = [sum(batch[0] for batch in lifter.batches) for lifter in (beside, alone)]
    assert windows == [4, 2]  # the last two windows end in the last chunk


def test_running_out_of_memory_changes_nothing_but_the_batches():
    track = make_track(300)
    lifter = FakeLifter(reach=0.5, fits=3)
    np.testing.assert_allclose(lift(track, lifter).joints_m, lift(track).joints_m, rtol=1e-6)
    assert (8, 20, 33) in lifter.batches
    with pytest.raises(OutOfMemory):
        lift(track, FakeLifter(fits=0))


def test_no_frames_no_poses():
    arguments = {"lifter": FakeLifter(), "planner": BatchPlanner(1), "device": CPU}
    assert list(lift_tracks([], camera=Camera.assumed(9, 9), **arguments)) == []


def test_seams_are_smooth_where_windows_disagree():
    track = make_track(300)
    track.keypoints_px[:] = np.linspace(0, 100, 300, dtype=np.float32)[None, :, None, None]
    poses = lift(track, FakeLifter(reach=1.0), plan=WindowPlan(60, 20))
    steps = np.abs(np.diff(poses.joints_m[0, :, 0, 0]))
    # The windows' means differ by 40 frames' worth of motion; a seam would show it in one step.
    assert steps.max() < 6 * np.median(steps)


def test_planner_measures_the_real_lifter():
    torch.manual_seed(0)
    config = LifterConfig(joint_channels=8, token_channels=32, temporal_layers=1, heads=2)
    lifter = Lifter(config).eval()
    small = plan_batches(lifter, device=CPU, budget_mib=2)
    large = plan_batches(lifter, device=CPU, budget_mib=4)
    assert small.cost == large.cost
    assert 1 <= small.windows < large.windows <= 8
    with pytest.raises(OutOfMemory, match="budget is 0 MiB"):
        plan_batches(lifter, device=CPU, budget_mib=0)


def test_what_is_held_does_not_grow_with_the_video():
    held_bytes: list[int] = []

    def chunks():
        for start in range(0, 6000, 50):
            yield make_track(50, time_s=even_times(50, start_s=start / 30))

    gc.collect()
    gc.freeze()  # else what other tests hold decides how seldom our own garbage is collected
    tracemalloc.start()
    try:
        for poses in lift_tracks(
            chunks(),
            lifter=FakeLifter(),
            planner=BatchPlanner(8),
            camera=Camera.assumed(WIDTH, HEIGHT),
            device=CPU,
            plan=WindowPlan(20, 6),
        ):
            assert len(poses) <= 8 * 14 + 20
            gc.collect()
            held_bytes.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
        gc.unfreeze()
    early, late = max(held_bytes[5:20]), max(held_bytes[-15:])
    assert late < 1.1 * early
