from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from core.errors import NotAVideo, VideoMismatch
from core.results.manifest import Manifest, Source
from core.results.reader import PoseResult
from core.skeleton import BODY, KEYPOINT_NAMES
from core.visualize import render_picture, render_video
from core.visualize.figures import Figures
from core.visualize.moments import choose_moments, crops_around_people
from core.visualize.overlay import draw_overlay
from core.visualize.palette import BACKGROUND, LEFT, RIGHT
from core.visualize.stage import Figure, Stage
from tests.core.tracking.walkers import figure
from tests.videos import make_video, read_index

SIZE = (320, 240)

# Height above the floor and offset to the person's left, in metres.
_POSE = {
    "pelvis": (0.95, 0), "spine": (1.05, 0), "spine2": (1.15, 0), "spine3": (1.25, 0),
    "spine4": (1.35, 0), "neck": (1.45, 0), "head": (1.55, 0), "head_top": (1.75, 0),
    "clavicle": (1.43, 0.05), "shoulder": (1.4, 0.18), "elbow": (1.1, 0.24),
    "wrist": (0.85, 0.26), "hand": (0.78, 0.27), "hip": (0.93, 0.09), "knee": (0.5, 0.1),
    "ankle": (0.08, 0.1), "foot": (0.02, 0.1), "toe": (0.0, 0.1),
}  # fmt: skip


def standing() -> np.ndarray:
    """Somebody who faces the camera: their left is at the picture's right."""
    joints = np.zeros((28, 3), np.float32)
    for joint, name in enumerate(BODY.names):
        up, left = _POSE[name.removeprefix("left_").removeprefix("right_")]
        sign = -1 if name.startswith("right_") else 1
        joints[joint] = sign * left, 0.95 - up, -0.15 if name.endswith("_toe") else 0.0
    return joints


def make_result(
    frames: int = 20,
    persons: int = 1,
    times_s: np.ndarray | None = None,
    frame_index: np.ndarray | None = None,
    sigma_m: float = 0.03,
) -> PoseResult:
    """People who raise and lower their left arm, and walk to the right in the picture."""
    joints = np.tile(standing(), (persons, frames, 1, 1))
    swing = np.sin(np.arange(frames) / 5)[None, :, None]
    joints[:, :, [10, 11, 12], 1] -= np.float32(0.3) * swing.astype(np.float32)
    keypoints = np.stack(
        [
            [figure(90 + 40 * p + 2 * f, 220, 180).keypoints_px for f in range(frames)]
            for p in range(persons)
        ]
    )
    return PoseResult(
        joints_3d=joints,
        joints_3d_sigma=np.full(joints.shape[:3], sigma_m, np.float32),
        keypoints_2d=keypoints,
        keypoints_confidence=np.full(keypoints.shape[:3], 0.9, np.float32),
        observed=np.ones((persons, frames), bool),
        track_id=np.arange(persons),
        frame_time_s=np.arange(frames) / 30 if times_s is None else times_s,
        frame_index=np.arange(frames) if frame_index is None else frame_index,
        joint_names=BODY.names,
        keypoint_names=KEYPOINT_NAMES,
        parents=BODY.parents,
        manifest=Manifest(source=Source(filename="clip.mp4", width_px=SIZE[0], height_px=SIZE[1])),
    )


def without_people(result: PoseResult) -> PoseResult:
    return replace(
        result,
        joints_3d=result.joints_3d[:0],
        joints_3d_sigma=result.joints_3d_sigma[:0],
        keypoints_2d=result.keypoints_2d[:0],
        keypoints_confidence=result.keypoints_confidence[:0],
        observed=result.observed[:0],
        track_id=result.track_id[:0],
    )


def absent(result: PoseResult, frames: slice, row: int = 0) -> PoseResult:
    """The same result with nobody there in some frames."""
    copy = {
        name: getattr(result, name).copy()
        for name in ("joints_3d", "joints_3d_sigma", "keypoints_2d", "keypoints_confidence")
    }
    for array in copy.values():
        array[row, frames] = np.nan
    observed = result.observed.copy()
    observed[row, frames] = False
    return replace(result, **copy, observed=observed)


def decode(path: Path) -> tuple[list[np.ndarray], list[float]]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        frames = list(container.decode(stream))
    times = [float(frame.pts * frame.time_base) for frame in frames]
    return [frame.to_ndarray(format="rgb24") for frame in frames], times


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_video(tmp_path_factory.mktemp("clip") / "clip.mp4", size=SIZE, frames=40)


def test_the_film_keeps_true_times_and_even_sizes(tmp_path: Path):
    times = 5.0 + np.cumsum([0.033, 0.1, 0.02, 0.05, 0.3, 0.033])
    render_video(make_result(6, times_s=times), None, tmp_path / "o.mp4", max_height_px=163)
    pictures, film_times = decode(tmp_path / "o.mp4")
    np.testing.assert_allclose(film_times, times - times[0], atol=1e-3)
    assert pictures[0].shape == (162, 162, 3)


def test_every_picture_of_the_film_is_the_one_the_result_speaks_of(clip: Path, tmp_path: Path):
    used = np.arange(7, 35, 3)
    result = make_result(len(used), times_s=used / 30, frame_index=used, sigma_m=0.0)
    nobody = absent(result, slice(None))
    done = []
    render_video(
        nobody,
        clip,
        tmp_path / "o.mp4",
        on_progress=lambda *progress: done.append(progress),
        max_height_px=240,
    )
    pictures, _ = decode(tmp_path / "o.mp4")
    assert pictures[0].shape == (240, 320 + 240, 3)
    assert [read_index(picture[:, :320]) for picture in pictures] == used.tolist()
    assert done == [(n, len(used)) for n in range(1, len(used) + 1)]


def test_a_scaled_copy_of_the_video_serves(tmp_path: Path):
    small = make_video(tmp_path / "small.mp4", size=(160, 120), frames=20)
    render_video(make_result(20), small, tmp_path / "o.mp4", max_height_px=240)
    pictures, _ = decode(tmp_path / "o.mp4")
    assert len(pictures) == 20


@pytest.mark.parametrize("render", [render_video, render_picture])
def test_another_video_is_refused_and_leaves_nothing_behind(
    clip: Path, tmp_path: Path, render: Callable[[PoseResult, Path, Path], None]
):
    portrait = make_video(tmp_path / "portrait.mp4", size=(120, 160), frames=5)
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(VideoMismatch, match="120 x 160"):
        render(make_result(5), portrait, out / "o.mp4")
    with pytest.raises(VideoMismatch, match="no picture"):
        render(make_result(5, times_s=100.0 + np.arange(5)), clip, out / "o.mp4")
    text = tmp_path / "notes.mp4"
    text.write_text("not a video at all")
    with pytest.raises(NotAVideo):
        render(make_result(5), text, out / "o.mp4")
    assert list(out.iterdir()) == []


def test_a_video_that_ends_early_gives_a_film_of_full_length(tmp_path: Path):
    short = make_video(tmp_path / "short.mp4", size=SIZE, frames=8)
    render_video(make_result(12), short, tmp_path / "o.mp4", max_height_px=120)
    pictures, _ = decode(tmp_path / "o.mp4")
    assert len(pictures) == 12
    assert pictures[11][:, :100].mean() < 40  # the panel's background
    assert pictures[7][:, :100].mean() > 60


@pytest.mark.parametrize("persons", [0, 1, 3])
def test_any_number_of_people_fits(persons: int, tmp_path: Path, clip: Path):
    result = without_people(make_result(6)) if persons == 0 else make_result(6, persons)
    render_video(result, clip, tmp_path / "o.mp4", max_height_px=120)
    assert len(decode(tmp_path / "o.mp4")[0]) == 6
    for video in (clip, None):
        render_picture(result, video, tmp_path / "o.png")
        with Image.open(tmp_path / "o.png") as picture:
            assert (picture.width, picture.mode) == (1600, "RGB")


def test_one_frame_is_enough_for_both(tmp_path: Path, clip: Path):
    render_video(make_result(1), clip, tmp_path / "o.mp4", max_height_px=120)
    assert len(decode(tmp_path / "o.mp4")[0]) == 1
    render_picture(make_result(1), clip, tmp_path / "o.png")
    assert (tmp_path / "o.png").stat().st_size > 1000


def near(picture: Image.Image, colour: tuple[int, int, int], tolerance: int = 60) -> np.ndarray:
    """Where the picture has about this colour."""
    return (np.abs(np.asarray(picture).astype(int) - colour) < tolerance).all(axis=-1)


def overlay(observed: bool = True, confidence: float = 0.95) -> Image.Image:
    picture = Image.new("RGB", SIZE, (60, 60, 60))
    person = figure(160, 220, 200, confidence)
    draw_overlay(
        picture, person.keypoints_px, person.confidence, observed=observed, person=0, line_px=4.0
    )
    return picture


def test_the_overlay_lies_on_the_keypoints_in_the_colour_of_their_side():
    picture = overlay()
    person = figure(160, 220, 200)
    for name, colour in (("left", LEFT), ("right", RIGHT)):
        elbow, wrist = (KEYPOINT_NAMES.index(f"{name}_{part}") for part in ("elbow", "wrist"))
        x, y = person.keypoints_px[[elbow, wrist]].mean(axis=0).round().astype(int)
        assert near(picture, colour)[y, x]
    assert near(picture, LEFT)[:, :155].sum() == 0


def test_unsure_keypoints_are_faint_and_interpolated_ones_broken():
    sure = near(overlay(), LEFT, 40).sum()
    assert near(overlay(confidence=0.2), LEFT, 40).sum() == 0
    broken = near(overlay(observed=False, confidence=0.95), LEFT, 40).sum()
    assert 0.2 * sure < broken < 0.75 * sure


def test_keypoints_outside_the_picture_or_missing_are_left_out():
    picture = Image.new("RGB", SIZE, (60, 60, 60))
    away = figure(-500, -100, 200)
    draw_overlay(picture, away.keypoints_px, away.confidence, observed=True, person=0, line_px=4.0)
    nothing = np.full((33, 2), np.nan, np.float32)
    draw_overlay(picture, nothing, away.confidence, observed=True, person=0, line_px=4.0)
    assert (np.asarray(picture) == 60).all()


STAGE = Stage((300, 300), (0,), top_m=1.9, reach_m=0.5)


def on_stage(sigma_m: float = 0.0, observed: bool = True, azimuth_rad: float = 0.0) -> Image.Image:
    person = Figure(standing(), np.full(28, sigma_m, np.float32), 0.95, observed)
    return STAGE.draw([person], azimuth_rad)


def test_the_camera_sees_left_at_the_right_and_a_half_turn_swaps_it():
    def mean_x(picture: Image.Image) -> float:
        return float(np.nonzero(near(picture, LEFT))[1].mean())

    assert mean_x(on_stage()) > 155
    assert mean_x(on_stage(azimuth_rad=np.pi)) < 145


def test_feet_stand_on_the_floor_and_nearer_is_larger():
    floor = STAGE.project(np.zeros((1, 3)), 0, 0.0)[0]
    head = STAGE.project(np.array([[0.0, 1.75, 0.0]]), 0, 0.0)[0]
    assert 150 < floor[1] < 290
    assert 10 < head[1] < 100
    near_m, far_m = STAGE.project(np.array([[0, 1, -0.5], [0, 1, 0.5]]), 0, 0.0)
    assert near_m[2] > far_m[2]


def test_a_larger_uncertainty_has_a_larger_halo():
    def drawn(picture: Image.Image) -> int:
        return int((np.abs(np.asarray(picture).astype(int) - BACKGROUND).max(axis=-1) > 6).sum())

    sizes = [drawn(on_stage(sigma_m)) for sigma_m in (0.0, 0.04, 0.1)]
    assert sizes[0] < 0.8 * sizes[1] < 0.64 * sizes[2]
    assert drawn(on_stage(np.nan)) == sizes[0]


def test_interpolated_figures_are_paler():
    strength = [np.asarray(on_stage(observed=seen)).astype(int).max() for seen in (True, False)]
    assert strength[1] < 0.8 * strength[0]


def test_the_floor_is_below_the_lowest_foot_and_steady():
    result = make_result(30)
    jitter = np.random.default_rng(1).normal(0, 0.01, (1, 30)).astype(np.float32)
    result.joints_3d[:, :, [BODY.index("left_toe"), BODY.index("right_toe")], 1] += jitter[
        ..., None
    ]
    floor = Figures(absent(result, slice(10, 14))).floor_m[0]
    present = np.r_[0:10, 14:30]
    np.testing.assert_allclose(floor[present], 0.95, atol=0.02)
    assert np.abs(np.diff(floor[present])).max() < 0.5 * np.abs(np.diff(jitter)).max()


def test_moments_are_spread_over_where_somebody_is_seen():
    result = absent(absent(make_result(100), slice(0, 40)), slice(60, 80))
    moments = choose_moments(Figures(result), 5)
    assert len(moments) == 5
    assert moments == sorted(moments)
    assert result.observed[0, moments].all()
    assert moments[0] < 50
    assert moments[-1] > 85
    assert choose_moments(Figures(without_people(result)), 5)[0] < 20
    assert choose_moments(Figures(make_result(2)), 5) == [0, 1]


def test_crops_hold_the_person_and_stay_inside_the_picture():
    figures = Figures(make_result(100))
    moments = choose_moments(figures, 5)
    crops = crops_around_people(figures, moments, (640, 480), 0.8)
    for moment, (left, top, right, bottom) in zip(moments, crops, strict=True):
        points = figures.result.keypoints_2d[0, moment]
        assert left <= points[:, 0].min()
        assert points[:, 0].max() <= right
        assert 0 <= top < bottom <= 480
        assert Fraction(right - left, bottom - top) == pytest.approx(0.8, abs=0.02)
