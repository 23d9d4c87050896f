"""One API with one worker for the whole folder, and a few short clips with and without people."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import av
import httpx
import numpy as np
import pytest

from tests.integration.stack import Running, Stack
from tests.videos import make_video

WIDTH, HEIGHT = 480, 270
FIRST, FRAMES = 60, 40
"""Of the demo clip: both of its people are in sight, and are found in every frame."""


@pytest.fixture(scope="session")
def scene(demo_clip: Path) -> list[np.ndarray]:
    """Pictures of people, a bit more than a second of them."""
    with av.open(str(demo_clip)) as video:
        frames = islice(video.decode(video=0), FIRST, FIRST + FRAMES)
        return [frame.to_ndarray(format="rgb24", width=WIDTH, height=HEIGHT) for frame in frames]


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Makes a 30 fps video of given pictures."""
    folder = tmp_path_factory.mktemp("films")

    def film(name: str, pictures: Sequence[np.ndarray]) -> Path:
        height, width = pictures[0].shape[:2]
        return make_video(
            folder / name,
            size=(width, height),
            frames=len(pictures),
            options={"crf": "18"},
            picture=lambda index, width, height: pictures[index],
        )

    return film


@pytest.fixture(scope="session")
def clip(film, scene) -> Path:
    """Somebody walks, for a bit more than a second."""
    return film("clip.mp4", scene)


@pytest.fixture(scope="session")
def long_clip(film, scene) -> Path:
    """The same again and again, to and fro: long enough to look at it while it is worked on."""
    return film("long.mp4", [*scene, *scene[::-1]] * 5)


@pytest.fixture(scope="session")
def nobody(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A test picture, for as long as a blink."""
    return make_video(tmp_path_factory.mktemp("nobody") / "nobody.mp4", frames=10)


@pytest.fixture(scope="session")
def long_nobody(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A test picture that keeps a worker busy for some seconds."""
    return make_video(tmp_path_factory.mktemp("nobody") / "long.mp4", frames=160)


@pytest.fixture(scope="package")
def stack(
    tmp_path_factory: pytest.TempPathFactory, full_bundle: Path, asset_cache: Path
) -> Iterator[Stack]:
    """The API, with one worker for videos and one for pictures."""
    settings = {
        "POSELIFT_CACHE_DIR": asset_cache,
        "POSELIFT_UPLOAD_LIMIT_BYTES": 4 << 20,
        "POSELIFT_POSES_WAIT_S": 30,  # the default is for machines that do nothing else
    }
    with Stack(tmp_path_factory.mktemp("stack"), settings) as stack:
        stack.worker = stack.start_workers("worker", "--poses")
        stack.wait_for_workers(lift=1, poses=1)
        yield stack


@pytest.fixture
def api(stack: Stack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack.url, timeout=60) as client:
        yield client


@pytest.fixture
def start(tmp_path: Path, asset_cache: Path) -> Iterator[Callable[..., Running]]:
    """Starts `poselift ...` for one test."""
    started: list[Running] = []

    def start(*arguments: object, **environment: object) -> Running:
        log = tmp_path / f"{len(started)}.log"
        environment = {"POSELIFT_CACHE_DIR": asset_cache} | environment
        started.append(Running.start(log, *arguments, **environment))
        return started[-1]

    yield start
    for running in started:
        running.stop()
