"""A camera that moves is told from people who move in front of one that does not."""

import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from av.video.frame import VideoFrame

from core.keypoints.protocol import Detection
from core.quality.assessment import assess
from core.quality.camera import CameraWatch, background_shift
from core.quality.watch import Measured
from core.tracking.association import Observation
from core.tracking.tracks import TrackReport
from core.video.facts import DecodeReport, VideoFacts
from core.video.stored import StoredPicture

WIDTH_PX, HEIGHT_PX, FPS = 320, 240, 10
FACTS = VideoFacts(
    width_px=WIDTH_PX, height_px=HEIGHT_PX, rotation_deg=0, duration_s=None,
    frame_count_estimate=None, average_fps=None, codec="h264", container="mp4",
    stored_width_px=WIDTH_PX, stored_height_px=HEIGHT_PX,
)  # fmt: skip
Path = Callable[[float], tuple[float, float]]


def scene() -> np.ndarray:
    """A wall with things on it, larger than the picture: smooth, as real ones are at this size."""
    rng = np.random.default_rng(5)
    rows, columns = np.mgrid[0 : 2 * HEIGHT_PX, 0 : 2 * WIDTH_PX]
    waves = [
        np.sin(rng.uniform(0.02, 0.12) * rows + rng.uniform(0.02, 0.12) * columns * sign + phase)
        for sign, phase in zip(rng.choice([-1, 1], 12), rng.uniform(0, 6, 12), strict=True)
    ]
    return 128 + 12 * np.sum(waves, axis=0)


def filmed(camera: Path, person: Path, seconds: float = 6, wall: np.ndarray | None = None):
    """Pictures of the scene, and where the person in them is."""
    wall = scene() if wall is None else wall
    rng = np.random.default_rng(6)
    for index in range(int(seconds * FPS)):
        time_s = index / FPS
        x, y = (round(value) for value in camera(time_s))
        grey = wall[y : y + HEIGHT_PX, x : x + WIDTH_PX] + rng.normal(0, 3, (HEIGHT_PX, WIDTH_PX))
        left, top = (round(value) for value in person(time_s))
        grey[top : top + 100, left : left + 40] = rng.integers(0, 255, (100, 40))
        rgb = np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[..., None], 3, axis=2)
        corners = np.array([[left, top], [left + 40, top + 100]], np.float32)
        keypoints_px = np.repeat(corners, [16, 17], axis=0)
        yield (
            StoredPicture(index, time_s, VideoFrame.from_ndarray(rgb, format="rgb24")),
            Observation(index, time_s, [Detection(keypoints_px, np.ones(33, np.float32))]),
        )


def still(_: float) -> tuple[float, float]:
    return 100, 80


def walks(time_s: float) -> tuple[float, float]:
    return 20 + 35 * time_s, 100


def moved_share(pairs: Iterator[tuple[StoredPicture, Observation]]) -> float | None:
    watch = CameraWatch()
    pictures, people = zip(*pairs, strict=True)
    assert list(watch.pictures(pictures, FACTS)) == list(pictures)
    assert list(watch.people(people, FACTS)) == list(people)
    return watch.report.moved_share


def test_people_who_walk_move_no_camera() -> None:
    assert moved_share(filmed(still, walks)) == 0


@pytest.mark.parametrize(
    "camera",
    [
        lambda time_s: (100 + 12 * time_s, 80),
        lambda time_s: (100, 20 + 10 * time_s),
        lambda time_s: (100 + 6 * np.sin(5 * time_s), 80 + 5 * np.sin(4 * time_s + 1)),
    ],
    ids=["pan", "tilt", "by hand"],
)
def test_a_camera_that_moves(camera: Path) -> None:
    share = moved_share(filmed(camera, walks))
    assert share is not None
    assert share > 0.7
    tracking = TrackReport(frames=60, observed_frames=[60], most_people=1)
    noted = assess(tracking, DecodeReport(), Measured(camera_moved_share=share)).notes
    assert noted == ("moving_camera",)


def test_of_a_bare_wall_nothing_is_said() -> None:
    bare = np.full((2 * HEIGHT_PX, 2 * WIDTH_PX), 128.0)
    assert moved_share(filmed(lambda time_s: (100 + 20 * time_s, 80), walks, wall=bare)) is None


def test_light_that_changes_is_no_movement() -> None:
    grey = scene()[: HEIGHT_PX // 3, : WIDTH_PX // 3].astype(np.float32)
    shift = background_shift(grey, grey + 20, np.ones(grey.shape, bool))
    assert shift == pytest.approx(0, abs=0.05)


def test_a_known_shift_is_measured() -> None:
    grey = scene()[:90, :120].astype(np.float32)
    shift = background_shift(grey[:72, :96], grey[2:74, 3:99], np.ones((72, 96), bool))
    assert shift == pytest.approx(np.hypot(2, 3), abs=0.2)


def test_of_a_ribbon_nothing_is_said() -> None:
    ribbon = scene()[:8, :96].astype(np.float32)
    assert background_shift(ribbon, ribbon, np.ones(ribbon.shape, bool)) is None


def test_it_does_not_matter_who_is_ahead() -> None:
    pictures, people = zip(*filmed(lambda time_s: (100 + 12 * time_s, 80), walks), strict=True)
    reports = []
    for people_first in (False, True):
        watch = CameraWatch()
        passing = [watch.pictures(pictures, FACTS), watch.people(people, FACTS)]
        for stream in reversed(passing) if people_first else passing:
            list(stream)
        reports.append(watch.report)
    watch = CameraWatch()
    threads = [
        threading.Thread(target=lambda stream=stream: list(stream))
        for stream in (watch.pictures(pictures, FACTS), watch.people(people, FACTS))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert reports == [watch.report] * 2
