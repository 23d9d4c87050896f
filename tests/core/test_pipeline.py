"""The whole way from a video, or from 2D keypoints, to a result, without the networks."""

import os
import threading
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from core.contracts import JobOptions, Progress, Stage
from core.errors import (
    Canceled,
    NotAVideo,
    OptionOutOfRange,
    RangeOutsideVideo,
    VideoTooLong,
)
from core.keypoints.attention import Attention
from core.keypoints.files import KeypointFile
from core.pipeline import LiftSummary, Listener, lift_keypoints, lift_video
from core.results.manifest import ModelFacts
from core.results.reader import PoseResult, read_result
from core.runs import join_poses
from core.scale import ScaleSource
from core.tracking.sightings import measure
from core.video.frames import VideoLimits
from tests.core.lifting_fakes import FakeEstimator, fake_lift
from tests.core.tracking.walkers import figure
from tests.videos import make_video, packet_times, read_index

MODELS = {"lifter": ModelFacts(name="fake", sha256="0" * 64)}
FIELDS = ("joints_3d", "joints_3d_sigma", "keypoints_2d", "keypoints_confidence", "observed")


def somebody(frame):
    return [figure(40 + frame.index / 10, 90, 80)]


def nobody(_):
    return []


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Three seconds; longer than a chunk, and than the look-ahead of tracking."""
    return make_video(tmp_path / "clip.mp4", frames=90, size=(96, 96))


@pytest.fixture
def result(tmp_path: Path) -> Path:
    return tmp_path / "pose.npz"


def lift(video: Path, result: Path, people=somebody, **changes) -> LiftSummary:
    options = JobOptions(**changes.pop("options", {}))
    estimator = changes.pop("estimator", FakeEstimator(people))
    return lift_video(
        video,
        result,
        options,
        open_estimator=lambda _: estimator,
        lift=fake_lift,
        models=MODELS,
        **changes,
    )


def lifted(video: Path, result: Path, people=somebody, **options) -> PoseResult:
    lift(video, result, people, options=options)
    return read_result(result)


def open_files(folder: Path) -> list[str]:
    """Of this process; only Linux tells."""
    links = [*Path("/proc/self/fd").glob("*")]
    targets = [str(link.readlink()) for link in links if link.is_symlink()]
    return [target for target in targets if target.startswith(str(folder))]


def test_every_used_frame_is_there_with_its_own_number_time_and_keypoints(clip, result):
    def numbered(frame):
        assert read_index(frame.rgb) == frame.index
        return somebody(frame)

    poses = lifted(clip, result, numbered, stride=2, start_s=0.5, end_s=2.5)
    numbers = list(range(15, 75, 2))
    assert poses.frame_index.tolist() == numbers
    np.testing.assert_allclose(poses.frame_time_s, np.array(packet_times(clip))[numbers])
    assert poses.joints_3d.shape == (1, 30, 28, 3)
    hips = poses.keypoints_2d[0, :, 23:25, 0].mean(axis=1)
    np.testing.assert_allclose(hips, 40 + poses.frame_index / 10, rtol=1e-5)


def test_what_the_listener_is_given_is_what_the_result_holds(clip, result):
    def two(frame):
        away = 30 <= frame.index < 60
        return [*somebody(frame), *([] if away else [figure(75, 50, 40)])]

    chunks = []
    options = {"max_persons": 3, "max_gap_s": 0.2}
    lift(clip, result, two, options=options, listener=Listener(on_chunk=chunks.append))
    heard, poses = join_poses(chunks), read_result(result)
    assert poses.track_id.tolist() == [0, 1]
    assert len(chunks) > 1
    track = heard.track
    arrays = (heard.joints_m, heard.sigma_m, track.keypoints_px, track.confidence, track.observed)
    for name, array in zip(FIELDS, arrays, strict=True):
        np.testing.assert_array_equal(getattr(poses, name), array[poses.track_id], err_msg=name)
    np.testing.assert_array_equal(poses.frame_index, track.frame_index)
    np.testing.assert_array_equal(poses.frame_time_s, track.frame_time_s)


def test_somebody_who_is_away_is_nan_everywhere_and_never_invented(clip, result):
    poses = lifted(clip, result, lambda f: [] if f.index < 50 else somebody(f))
    there = np.arange(90) >= 50
    np.testing.assert_array_equal(poses.observed[0], there)
    for name in FIELDS[:-1]:
        array = getattr(poses, name)[0].reshape(90, -1)
        np.testing.assert_array_equal(np.isfinite(array).all(axis=1), there, err_msg=name)
        np.testing.assert_array_equal(np.isnan(array).any(axis=1), ~there, err_msg=name)


def test_a_video_with_nobody_in_it_is_a_success_that_says_so(clip, result):
    summary = lift(clip, result, nobody)
    poses = read_result(result)
    assert (summary.persons, summary.frames) == (0, 90)
    assert poses.joints_3d.shape == (0, 90, 28, 3)
    assert "no_person" in poses.manifest.quality.notes
    assert poses.manifest.scale_source == ScaleSource.MODEL_PRIOR


def test_one_frame_is_enough(tmp_path, result):
    video = make_video(tmp_path / "one.mp4", frames=1, size=(96, 96))
    poses = lifted(video, result, height_m=1.7)
    assert poses.joints_3d.shape == (1, 1, 28, 3)
    assert np.isfinite(poses.joints_3d).all()
    assert poses.observed.all()


def test_the_same_video_gives_the_same_bytes(clip, result, tmp_path):
    lift(clip, result, options={"max_persons": 2})
    lift(clip, tmp_path / "again.npz", options={"max_persons": 2})
    assert result.read_bytes() == (tmp_path / "again.npz").read_bytes()


def test_smoothing_and_height_do_what_the_options_say(clip, result):
    def shaking(frame):
        return [figure(48 + 3 * (-1) ** frame.index, 90, 80 + (-1) ** frame.index)]

    raw = lifted(clip, result, shaking, smoothing=False)
    smooth = lifted(clip, result, shaking)
    tall = lifted(clip, result, shaking, smoothing=False, height_m=2.0)
    steps = [np.abs(np.diff(poses.joints_3d, axis=1)).mean() for poses in (raw, smooth)]
    assert steps[1] < 0.2 * steps[0]
    factor = tall.manifest.scale_factor
    assert tall.manifest.scale_source == ScaleSource.HEIGHT_OPTION
    assert factor != pytest.approx(1)
    np.testing.assert_allclose(tall.joints_3d, factor * raw.joints_3d, rtol=1e-5)
    np.testing.assert_allclose(tall.joints_3d_sigma, factor * raw.joints_3d_sigma, rtol=1e-5)


def test_the_lifter_is_told_when_nothing_else_is_at_work_any_more(clip, result):
    told = []

    def watched_lift(chunks, *, camera, is_alone):
        for chunk in chunks:
            told.append(is_alone())
            yield from fake_lift([chunk], camera=camera, is_alone=is_alone)

    def lift_with(work, *material, **how):
        told.clear()
        work(*material, result, JobOptions(), lift=watched_lift, models=MODELS, **how)
        return told[0], told[-1]

    long = make_video(clip.with_name("long.mp4"), frames=200, size=(96, 96))
    assert lift_with(lift_video, long, open_estimator=lambda _: FakeEstimator(somebody)) == (
        False,
        True,
    )
    own = KeypointFile(
        np.stack([figure(40 + i, 90, 80).keypoints_px for i in range(200)]),
        np.ones((200, 33), np.float32),
        np.arange(200) / 30,
        96,
        96,
    )
    assert lift_with(lift_keypoints, own) == (True, True)


LENS_TAG = "com.apple.quicktime.camera.focal_length.35mm_equivalent"


def test_the_lens_is_what_the_user_says_or_the_file_or_a_guess(clip, tmp_path, result):
    cameras = []

    def watched_lift(chunks, *, camera, is_alone):
        cameras.append(camera)
        return fake_lift(chunks, camera=camera, is_alone=is_alone)

    tagged = make_video(tmp_path / "phone.mov", frames=3, size=(96, 72), tags={LENS_TAG: "24"})
    found = []
    for video, options in (
        (clip, {}),
        (tagged, {}),
        (tagged, {"focal_length_px": 90}),
        (tagged, {"focal_length_35mm": 30, "end_s": 1.0}),
    ):
        lift_video(
            video,
            result,
            JobOptions(**options),
            open_estimator=lambda _: FakeEstimator(somebody),
            lift=watched_lift,
            models=MODELS,
        )
        manifest = read_result(result).manifest
        found.append((manifest.focal_length_px, manifest.focal_length_source))
    assert found == [
        (pytest.approx(105.6), "assumed"), (64, "file"), (90, "told"), (80, "told")
    ]  # fmt: skip
    assert [(camera.focal_px, camera.focal_source) for camera in cameras] == found


def test_a_focal_length_of_another_size_of_picture_is_refused_at_once(clip, result):
    estimator = FakeEstimator(somebody)
    with pytest.raises(OptionOutOfRange, match="full-size frame"):
        lift(clip, result, estimator=estimator, options={"focal_length_px": 40_000})
    assert estimator.asked == []
    with pytest.raises(OptionOutOfRange, match="640 x 480"):
        lift_own(own_keypoints(3), result, options={"focal_length_px": 10})
    assert not result.exists()


def test_own_keypoints_have_their_own_lens(result):
    poses = lift_own(own_keypoints(3), result, options={"focal_length_35mm": 27})
    manifest = poses.manifest
    assert (manifest.focal_length_px, manifest.focal_length_source) == (480, "told")
    assert manifest.options["focal_length_35mm"] == 27


def test_the_manifest_tells_what_really_happened(tmp_path, result):
    def hidden_for_a_moment(frame):
        return [] if 40 <= frame.index < 46 else [*somebody(frame), figure(75, 50, 40)]

    video = make_video(
        tmp_path / "turned.mp4", frames=90, size=(128, 96), rotation_deg=90, with_audio=True
    )
    summary = lift(video, result, hidden_for_a_moment, options={"stride": 2}, source_name="my.mov")
    manifest = read_result(result).manifest
    source, quality = manifest.source, manifest.quality
    assert source.filename == "my.mov"
    assert (source.width_px, source.height_px, source.rotation_deg) == (96, 128, 90)
    assert (source.stored_width_px, source.stored_height_px) == (128, 96)
    assert (source.codec, source.container, source.has_audio) == ("h264", "mp4", True)
    assert manifest.options == JobOptions(stride=2).model_dump(mode="json")
    assert manifest.models == MODELS
    assert set(manifest.software) >= {"numpy", "torch", "av", "mediapipe"}
    assert quality == summary.quality
    assert (quality.frames_used, quality.persons) == (45, 1)
    assert quality.observed_share == pytest.approx(42 / 45, abs=1e-4)
    assert quality.interpolated_share == pytest.approx(3 / 45, abs=1e-4)
    assert "people_not_followed" in quality.notes


def test_a_damaged_video_is_lifted_as_far_as_it_goes_and_says_so(tmp_path, result):
    whole = make_video(tmp_path / "whole.mkv", frames=90, size=(96, 96)).read_bytes()
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(whole[: len(whole) // 2])
    summary = lift(cut, result)
    assert 10 < summary.frames < 80
    assert summary.quality.truncated
    assert "video_damaged" in summary.quality.notes


def test_a_name_that_is_no_text_does_not_spoil_the_result(clip, result):
    lift(clip, result, source_name=os.fsdecode(b"caf\xe9.mp4"))
    assert read_result(result).manifest.source.filename == "caf?.mp4"


def test_progress_tells_every_stage_and_counts_every_frame(clip, result):
    heard: list[Progress] = []
    lift(clip, result, listener=Listener(on_progress=heard.append))
    stages = [progress.stage for progress in heard]
    assert stages[0] == Stage.PROBING
    assert stages[-2:] == [Stage.WRITING, Stage.DONE]
    assert set(stages[1:-2]) == {Stage.LIFTING}
    assert heard[1].frames_total == 90
    assert [p.frames_done for p in heard] == sorted(p.frames_done for p in heard)
    assert (heard[-1].frames_done, heard[-1].frames_total) == (90, 90)


def stop_after(calls: int) -> Listener:
    asked = count()
    return Listener(should_stop=lambda: next(asked) >= calls)


def broken(_):
    raise ZeroDivisionError


def gone(_):
    raise BrokenPipeError


@pytest.mark.parametrize(
    ("error", "people", "listener"),
    [
        (Canceled, somebody, lambda: stop_after(50)),
        (Canceled, somebody, lambda: stop_after(0)),
        (ZeroDivisionError, broken, Listener),
        (BrokenPipeError, somebody, lambda: Listener(on_chunk=gone)),
    ],
    ids=["canceled", "canceled at once", "estimator breaks", "listener breaks"],
)
def test_whatever_ends_a_job_nothing_is_left_open_or_lying_about(
    clip, result, error, people, listener
):
    estimator = FakeEstimator(people)
    with pytest.raises(error) as caught:
        lift(clip, result, estimator=estimator, listener=listener())
    assert open_files(clip.parent) == []  # although the error with all its frames is still held
    assert caught.value is not None
    assert estimator.closed == estimator.opened  # never opened, if stopped before
    assert list(clip.parent.iterdir()) == [clip]


@pytest.mark.parametrize("suffix", [".avi", ".mp4"])
def test_a_job_can_be_stopped_on_the_long_way_to_its_first_frame(tmp_path, result, suffix):
    """An AVI is decoded up to the start of the range; other files are read packet by packet."""
    video = make_video(tmp_path / f"long{suffix}", frames=1000, size=(64, 48))
    estimator, asked = FakeEstimator(somebody), count()
    listener = Listener(should_stop=lambda: next(asked) >= 0)
    threads = threading.active_count()
    with pytest.raises(Canceled):
        lift(video, result, estimator=estimator, listener=listener, options={"start_s": 33.0})
    assert estimator.asked == []
    assert next(asked) == 1  # nobody went on after the answer
    assert threading.active_count() == threads


class Walker(FakeEstimator):
    """May start anywhere, and then sees the person a tenth of a pixel beside where others do."""

    def __init__(self, people, started: list["Walker"]) -> None:
        super().__init__(people)
        self.threads: set[str] = set()
        started.append(self)

    def estimate(self, frame):
        self.threads.add(threading.current_thread().name)
        self.sizes = frame.rgb.shape
        self.now = super().estimate(frame)
        return self.now

    def attention(self):
        return Attention([measure(person) for person in self.now], is_settled=True)

    def settle(self):
        pass


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory) -> Path:
    """Four segments."""
    return make_video(tmp_path_factory.mktemp("long") / "long.mp4", frames=400, size=(96, 96))


def lift_divided(video: Path, result: Path, threads: int, people=somebody, **changes):
    started: list[Walker] = []
    summary = lift_video(
        video,
        result,
        JobOptions(),
        open_estimator=lambda _: Walker(people, started),
        lift=fake_lift,
        models=MODELS,
        threads=threads,
        **changes,
    )
    return summary, started


def test_a_long_video_is_divided_and_its_result_does_not_depend_on_threads(long_clip, tmp_path):
    for threads in (1, 3):
        path = tmp_path / f"{threads}.npz"
        summary, started = lift_divided(long_clip, path, threads)
        assert summary.frames == 400
        assert summary.first_frame_s > 0
        assert [walker.asked[0] for walker in started] == [0, 123, 237, 351]
        assert all(walker.closed for walker in started)
    assert (tmp_path / "1.npz").read_bytes() == (tmp_path / "3.npz").read_bytes()
    assert len({name for walker in started for name in walker.threads}) > 1
    lift(long_clip, tmp_path / "whole.npz")
    assert (tmp_path / "whole.npz").read_bytes() == (tmp_path / "3.npz").read_bytes()


def test_progress_of_a_divided_video_counts_every_frame_once(long_clip, result):
    heard: list[Progress] = []
    lift_divided(long_clip, result, 2, listener=Listener(on_progress=heard.append))
    done = [progress.frames_done for progress in heard]
    assert done == sorted(done)
    assert (heard[-1].stage, done[-1]) == (Stage.DONE, 400)


@pytest.mark.parametrize("frame", [3, 200, 399])
def test_what_breaks_in_a_divided_video_ends_the_job_and_all_threads(long_clip, result, frame):
    def breaks(seen):
        if seen.index == frame:
            raise ZeroDivisionError
        return somebody(seen)

    threads = threading.active_count()
    with pytest.raises(ZeroDivisionError) as caught:
        lift_divided(long_clip, result, 2, breaks)
    assert caught.value is not None
    assert threading.active_count() == threads
    assert open_files(long_clip.parent) == []
    assert not result.exists()


def test_a_divided_video_can_be_stopped(long_clip, result):
    threads = threading.active_count()
    with pytest.raises(Canceled):
        lift_divided(long_clip, result, 2, listener=stop_after(60))
    assert threading.active_count() == threads
    assert open_files(long_clip.parent) == []


def test_large_pictures_are_searched_small_and_told_in_full_size(tmp_path, result):
    video = make_video(tmp_path / "large.mp4", frames=5, size=(1200, 900))
    _, (walker,) = lift_divided(video, result, 1)
    assert walker.sizes == (720, 960, 3)
    poses = read_result(result)
    expected = np.stack([figure(40 + n / 10, 90, 80).keypoints_px for n in range(5)]) * 1.25
    np.testing.assert_allclose(poses.keypoints_2d[0], expected, rtol=1e-5)


def test_the_limits_hold_for_what_the_headers_do_not_tell(tmp_path, result):
    endless = make_video(
        tmp_path / "live.mkv", frames=90, size=(96, 96), muxer_options={"live": "1"}
    )
    with pytest.raises(VideoTooLong):
        lift(endless, result, limits=VideoLimits(max_duration_s=2.0))
    assert lift(endless, result, limits=VideoLimits(max_duration_s=4.0)).frames == 90


def test_a_video_that_cannot_be_used_leaves_no_file(tmp_path, clip, result):
    text = tmp_path / "text.mp4"
    text.write_text("no video")
    with pytest.raises(NotAVideo):
        lift(text, result)
    with pytest.raises(RangeOutsideVideo):
        lift(clip, result, options={"start_s": 60})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4", "text.mp4"]


def test_a_folder_in_the_results_place_is_found_out_before_the_work(clip, result):
    result.mkdir()
    estimator = FakeEstimator(somebody)
    with pytest.raises(IsADirectoryError) as caught:
        lift(clip, result, estimator=estimator)
    assert caught.value.filename == str(result)
    assert estimator.asked == []


def own_keypoints(frames: int, fps: float = 30.0, start_s: float = 0.0) -> KeypointFile:
    keypoints_px = np.stack([figure(300 + 2 * i, 400, 200).keypoints_px for i in range(frames)])
    times_s = start_s + np.arange(frames) / fps
    return KeypointFile(keypoints_px, np.ones((frames, 33), np.float32), times_s, 640, 480)


def lift_own(keypoints: KeypointFile, result: Path, **changes) -> PoseResult:
    options = JobOptions(**changes.pop("options", {}))
    lift_keypoints(keypoints, result, options, lift=fake_lift, models=MODELS, **changes)
    return read_result(result)


@pytest.mark.parametrize("frames", [1, 2, 64, 65, 1000])
def test_own_keypoints_of_any_length(result, frames):
    keypoints = own_keypoints(frames, start_s=1e6)
    poses = lift_own(keypoints, result)
    assert poses.joints_3d.shape == (1, frames, 28, 3)
    assert np.isfinite(poses.joints_3d).all()
    assert poses.observed.all()
    np.testing.assert_array_equal(poses.frame_time_s, keypoints.frame_time_s)
    np.testing.assert_array_equal(poses.frame_index, np.arange(frames))
    np.testing.assert_array_equal(poses.keypoints_2d[0], keypoints.keypoints_px)


@pytest.mark.parametrize(("fps", "filled"), [(240, True), (30, True), (1, False)])
def test_own_keypoints_are_interpolated_by_time_not_by_frames(result, fps, filled):
    keypoints = own_keypoints(60, fps)
    keypoints.keypoints_px[20:24] = np.nan
    poses = lift_own(keypoints, result)
    there = np.isfinite(poses.joints_3d).all(axis=(0, 2, 3))
    assert there[20:24].tolist() == [filled] * 4
    assert there[[19, 24]].all()
    assert not poses.observed[0, 20:24].any()


@pytest.mark.parametrize("what", ["keypoints", "confidence", "one point"])
def test_own_keypoints_that_show_nobody(result, what):
    keypoints = own_keypoints(30)
    match what:
        case "keypoints":
            keypoints.keypoints_px[:] = np.nan
        case "confidence":
            keypoints.confidence[:] = np.nan
        case "one point":
            keypoints.keypoints_px[:] = 0.5
    poses = lift_own(keypoints, result)
    assert poses.joints_3d.shape == (0, 30, 28, 3)
    assert poses.manifest.quality.notes == ("no_person",)


def test_the_manifest_of_own_keypoints_claims_nothing_about_a_video(result):
    asked = {"height_m": 1.8, "stride": 5, "max_persons": 4}
    poses = lift_own(own_keypoints(40), result, options=asked, source_name="mine.npz")
    manifest = poses.manifest
    assert manifest.options == {
        "height_m": 1.8, "focal_length_px": None, "focal_length_35mm": None, "smoothing": True,
        "max_gap_s": 0.5,
    }  # fmt: skip
    assert manifest.scale_source == ScaleSource.HEIGHT_OPTION
    assert (manifest.source.width_px, manifest.source.height_px) == (640, 480)
    assert (manifest.source.filename, manifest.source.codec) == ("mine.npz", None)
    assert manifest.quality.tracks["most_people_at_once"] == 1
    assert manifest.quality.notes == ()


def test_lifting_own_keypoints_can_be_watched_and_stopped(result):
    heard: list[Progress] = []
    lift_own(own_keypoints(100), result, listener=Listener(on_progress=heard.append))
    assert (heard[-1].stage, heard[-1].frames_done, heard[-1].frames_total) == ("done", 100, 100)
    result.unlink()
    with pytest.raises(Canceled):
        lift_own(own_keypoints(100), result, listener=stop_after(50))
    assert list(result.parent.iterdir()) == []
